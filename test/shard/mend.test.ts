// A failed sync: writes in doubt, the files that the shard continues with, and every way to
// interrupt that.
import { beforeEach, describe, expect, test } from 'vitest';
import type { FsyncMode } from '../../src/base/fsync-mode.ts';
import type { BareShardStore } from '../support/stores/bare-shard-store.ts';
import { cutAt, failAt, failEach, heal } from '../support/disk/faults.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { seededRandom } from '../support/random.ts';
import {
  compactShard,
  contentsOf,
  folder,
  openShard,
  valuesOf,
} from '../support/disk/shard-files.ts';
import { get, put, remove } from '../support/stores/operations.ts';

let files: MemoryFileSystem;
beforeEach(() => {
  files = new MemoryFileSystem();
});

/** A shard with some history, and a last write whose sync has failed. */
async function brokenShard(fsync: FsyncMode): Promise<BareShardStore> {
  const store = openShard(files, fsync);
  await store.submit(put('a', '1'));
  await store.submit(put('gone', 'x'));
  compactShard(files, store);
  await store.submit(put('b', '1'));
  await store.submit(remove('gone'));
  failEach(files, { call: 'sync' });
  if (fsync === 'always') await store.submit(put('a', '2'));
  else await store.shard.syncSoon().catch(() => {});
  expect(store.shard.report().isBroken).toBe(true);
  heal(files);
  return store;
}

const settled = ['a=1', 'b=1'];

describe.each(['always', 'interval', 'never'] as const)('in %s', (fsync) => {
  test('a write whose sync fails is of unknown outcome if it waits for one, else it is kept', async () => {
    const store = openShard(files, fsync);
    failEach(files, { call: 'sync' });
    const { kind } = await store.submit(put('a', '2'));
    expect(kind).toBe(fsync === 'always' ? 'refused' : 'written');
  });

  test('until it is mended, the shard serves nothing', async () => {
    const store = await brokenShard(fsync);
    for (const operation of [get('a'), put('c', '1'), remove('b')]) {
      expect(await store.submit(operation)).toMatchObject({
        kind: 'refused',
        error: { code: 'SHARD_UNAVAILABLE', outcome: 'not-applied' },
      });
    }
  });

  test('once mended, it serves everything that was visible, durably', async () => {
    const store = await brokenShard(fsync);
    const visible = settled;
    expect(store.shard.mend(store.timestamp()).isBroken).toBe(false);
    expect(await valuesOf(store)).toEqual(visible);
    for (let seed = 0; seed < 20; seed++) {
      const cut = files.afterPowerCut(seededRandom(seed));
      expect([seed, await valuesOf(openShard(cut, fsync))]).toEqual([seed, visible]);
    }
  });

  test('once mended, it can be written to, compacted, stopped and started like any other', async () => {
    const store = await brokenShard(fsync);
    store.shard.mend(store.timestamp());
    await store.submit(put('c', '1'));
    const before = await contentsOf(store);
    expect(await contentsOf(openShard(files.copy(), fsync))).toEqual(before);
    compactShard(files, store);
    expect(await contentsOf(openShard(files.copy(), fsync))).toEqual(before);
    await store.submit(put('d', '1'));
    await store.close();
    expect(await valuesOf(openShard(files, fsync))).toEqual([...settled, 'c=1', 'd=1']);
  });

  test('a mending that fails at any call is done again and succeeds', async () => {
    for (let fatal = 1; ; fatal++) {
      files = new MemoryFileSystem();
      const store = await brokenShard(fsync);
      const count = failAt(files, fatal);
      try {
        store.shard.mend(store.timestamp());
        // Not every failure makes the call throw: some only leave files behind.
      } catch {
        store.shard.mend(store.timestamp());
      }
      if (count.calls < fatal) break;
      heal(files);
      expect([fatal, await valuesOf(store)]).toEqual([fatal, settled]);
      await store.submit(put('c', '1'));
      const cut = files.afterPowerCut(seededRandom(fatal));
      const found = await valuesOf(openShard(cut, fsync));
      const promised = fsync === 'always' ? [...settled, 'c=1'] : settled;
      expect([fatal, found]).toEqual([fatal, expect.arrayContaining(promised)]);
      expect(files.openFiles).toBeLessThanOrEqual(2);
    }
  });

  test('a kill at any call of a mending loses nothing that was visible', async () => {
    for (let fatal = 1; ; fatal++) {
      files = new MemoryFileSystem();
      const store = await brokenShard(fsync);
      const count = cutAt(files, fatal);
      try {
        store.shard.mend(store.timestamp());
      } catch {
        // This is the kill.
      }
      if (count.calls < fatal) break;
      const found = await valuesOf(openShard(files.copy(), fsync));
      // The write in doubt may have happened: the shard has served nothing else meanwhile.
      const allowed = [settled, ['a=2', 'b=1']];
      expect([fatal, allowed]).toEqual([fatal, expect.arrayContaining([found])]);
    }
  });
});

test('a restart makes a write in doubt durable before it serves it', async () => {
  await brokenShard('always');
  // The start must write these bytes again: the system may report dropped pages as clean.
  const journal = `${folder}/journal-000002.ndjson`;
  const written: [offset: number, bytes: number][] = [];
  const open = files.open.bind(files);
  files.open = (path) => {
    const file = open(path);
    if (path !== journal) return file;
    return {
      ...file,
      write: (bytes, offset) => {
        written.push([offset, bytes.length]);
        return file.write(bytes, offset);
      },
    };
  };
  const restarted = openShard(files);
  expect(await valuesOf(restarted)).toEqual(['a=2', 'b=1']);
  const line = files.read(journal).toString().trimEnd().split('\n').at(-1) ?? '';
  const end = files.read(journal).indexOf(line) + line.length + 1;
  const [offset, bytes] = written[0] ?? [0, 0];
  expect(offset).toBeLessThanOrEqual(end - line.length - 1);
  expect(offset + bytes).toBe(end);
});
