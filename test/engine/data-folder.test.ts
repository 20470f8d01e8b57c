import { beforeEach, describe, expect, test } from 'vitest';
import { openDataFolder } from '../../src/engine/data-folder.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { seededRandom } from '../support/random.ts';

const asIs = { asked: undefined, byDefault: 3 };
let files: MemoryFileSystem;
beforeEach(() => {
  files = new MemoryFileSystem();
  files.makeFolder('/data');
});

describe('a data folder', () => {
  test('is made with the shards asked for, else the default, and opened again as it is', () => {
    const made = openDataFolder(files, '/data', { asked: 5, byDefault: 3 }, 0);
    expect(made.map(({ identity }) => identity.shard)).toEqual([0, 1, 2, 3, 4]);
    expect(openDataFolder(files, '/data', asIs, 0)).toEqual(made);
    expect(openDataFolder(files, '/data', { asked: 5, byDefault: 3 }, 0)).toEqual(made);
  });

  test('with another number of shards than asked for is refused, naming both', () => {
    openDataFolder(files, '/data', asIs, 0);
    const before = files.contents();
    const open = (): unknown => openDataFolder(files, '/data', { asked: 4, byDefault: 3 }, 0);
    expect(open).toThrow(/has 3 shards.*asks for 4/);
    expect(files.contents()).toEqual(before);
  });

  test('without its manifest but with data is refused, and is not made again', () => {
    openDataFolder(files, '/data', asIs, 0);
    files.remove('/data/manifest.json');
    const before = files.contents();
    expect(() => openDataFolder(files, '/data', asIs, 0)).toThrow(/manifest.json.*missing/);
    expect(files.contents()).toEqual(before);
  });

  test('with any bit of its manifest flipped is refused', () => {
    openDataFolder(files, '/data', asIs, 0);
    const manifest = files.read('/data/manifest.json');
    for (let bit = 0; bit < manifest.length * 8; bit++) {
      const flipped = Buffer.from(manifest);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      files.put('/data/manifest.json', flipped);
      expect(() => openDataFolder(files, '/data', asIs, 0)).toThrow(/manifest.json/);
    }
  });

  test('whose making a kill or a power cut ended at any call is made by the next start', () => {
    let calls = 0;
    files.fault = () => {
      calls += 1;
      return undefined;
    };
    openDataFolder(files, '/data', asIs, 0);
    expect(calls).toBeGreaterThan(10);
    for (let fatal = 1; fatal <= calls; fatal++) {
      for (const seed of [undefined, 1, 2, 3]) {
        let cut = new MemoryFileSystem();
        cut.makeFolder('/data');
        let call = 0;
        cut.fault = () => {
          call += 1;
          if (call >= fatal) throw new Error('cut');
          return undefined;
        };
        expect(() => openDataFolder(cut, '/data', asIs, 0)).toThrow('cut');
        cut = seed === undefined ? cut.copy() : cut.afterPowerCut(seededRandom(seed + fatal));
        expect(openDataFolder(cut, '/data', asIs, 0)).toHaveLength(3);
      }
    }
  });
});
