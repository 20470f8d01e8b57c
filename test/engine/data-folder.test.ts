import { beforeEach, describe, expect, test } from 'vitest';
import { openDataFolder } from '../../src/engine/data-folder.ts';
import { bitFlips } from '../support/disk/file-damage.ts';
import { cutAtEach, recordCalls } from '../support/disk/faults.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { seededRandom } from '../support/random.ts';

const asIs = { asked: undefined, byDefault: 3 };
let files: MemoryFileSystem;
beforeEach(() => {
  files = emptyFolder();
});

function emptyFolder(): MemoryFileSystem {
  const made = new MemoryFileSystem();
  made.makeFolder('/data');
  return made;
}

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

  test('with files of others and no store is refused, and stays as it is', () => {
    files.put('/data/notes.txt', Buffer.from('mine'));
    const before = files.contents();
    expect(() => openDataFolder(files, '/data', asIs, 0)).toThrow(
      expect.objectContaining({
        code: 'STORE_MISMATCH',
        message: expect.stringContaining('/data is not empty, it holds notes.txt'),
      }),
    );
    expect(files.contents()).toEqual(before);
  });

  test('with a store is opened, whatever files people have put beside it', () => {
    const made = openDataFolder(files, '/data', asIs, 0);
    files.put('/data/notes.txt', Buffer.from('mine'));
    expect(openDataFolder(files, '/data', asIs, 0)).toEqual(made);
  });

  test('with any bit of its manifest flipped is refused', () => {
    openDataFolder(files, '/data', asIs, 0);
    const manifest = files.read('/data/manifest.json');
    for (const [, flipped] of bitFlips(manifest)) {
      files.put('/data/manifest.json', flipped);
      expect(() => openDataFolder(files, '/data', asIs, 0)).toThrow(/manifest.json/);
    }
  });

  test('whose making a kill or a power cut ended at any call is made by the next start', () => {
    const calls = recordCalls(files);
    openDataFolder(files, '/data', asIs, 0);
    expect(calls.length).toBeGreaterThan(10);
    for (const seed of [undefined, 1, 2, 3]) {
      for (const [fatal, cut] of cutAtEach(calls.length, emptyFolder)) {
        expect(() => openDataFolder(cut, '/data', asIs, 0)).toThrow('cut');
        const left =
          seed === undefined ? cut.copy() : cut.afterPowerCut(seededRandom(seed + fatal));
        expect(openDataFolder(left, '/data', asIs, 0)).toHaveLength(3);
      }
    }
  });
});
