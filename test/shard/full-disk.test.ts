// A shard on a disk that fills up. It still reads and deletes, and takes puts again once there is room.
import { beforeEach, describe, expect, test } from 'vitest';
import type { FsyncMode } from '../../src/base/fsync-mode.ts';
import { reserveBytesMin } from '../../src/base/limits.ts';
import { compact } from '../../src/shard/streams/compaction.ts';
import type { BareShardStore } from '../support/stores/bare-shard-store.ts';
import { shardPlace } from '../support/stores/bare-shard-store.ts';
import { ManualClock } from '../support/simulated/manual-clock.ts';
import { failEach, heal } from '../support/disk/faults.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import {
  compactShard,
  contentsOf,
  folder,
  openShard as openAny,
} from '../support/disk/shard-files.ts';
import { get, put, remove } from '../support/stores/operations.ts';

const kibibyte = 1024;

let files: MemoryFileSystem;
let clock: ManualClock;
beforeEach(() => {
  files = new MemoryFileSystem();
  files.capacityBytes = 1024 * kibibyte;
  clock = new ManualClock();
});

/** Opens a shard with a reserve of the usual size. */
function openShard(on: MemoryFileSystem, fsync: FsyncMode, time?: ManualClock): BareShardStore {
  return openAny(on, fsync, time, reserveBytesMin);
}

const value = Buffer.alloc(kibibyte, 'v');

/**
 * Puts keys until the shard refuses one for lack of room.
 *
 * @returns the number of keys put
 */
async function fill(store: BareShardStore, prefix = 'k'): Promise<number> {
  for (let count = 0; ; count++) {
    const result = await store.submit(put(`${prefix}${count}`, value));
    if (result.kind === 'written') continue;
    expect(result).toMatchObject({
      kind: 'refused',
      error: { code: 'DISK_FULL', outcome: 'not-applied', retryable: true },
    });
    return count;
  }
}

function compactWhereWanted(store: BareShardStore): boolean {
  if (!store.shard.report().wantsCompaction) return false;
  const input = store.shard.beginCompaction(store.timestamp());
  if (input === undefined) return false;
  store.shard.installSnapshot(compact({ ...shardPlace, fileSystem: files }, input));
  return true;
}

describe('a full disk', () => {
  test('refuses puts, answers reads, and takes deletes on the reserve', async () => {
    const store = openShard(files, 'always', clock);
    const count = await fill(store);
    expect(count).toBeGreaterThan(400);
    expect(store.shard.report()).toMatchObject({ isDiskFull: true, isBroken: false });
    expect(files.freeBytes()).toBeLessThan(4 * kibibyte);
    for (let key = 0; key < 200; key++) {
      expect(await store.submit(remove(`k${key}`))).toMatchObject({ kind: 'deleted' });
    }
    expect(await store.submit(get(`k${count - 1}`))).toMatchObject({ kind: 'entry' });
    const contents = await contentsOf(store);
    expect(contents).toHaveLength(count - 200);
    expect(await contentsOf(openShard(files.copy(), 'always'))).toEqual(contents);
  });

  test('takes puts that still fit in a batch with one that does not', async () => {
    const store = openShard(files, 'always', clock);
    const large = Buffer.alloc(2048 * kibibyte, 'x');
    const results = store.ask(put('a', '1'), put('large', large), put('b', '2'), get('a'));
    expect(results.map(({ kind }) => kind)).toEqual(['written', 'refused', 'written', 'entry']);
    expect(await contentsOf(openShard(files.copy(), 'always'))).toEqual(await contentsOf(store));
  });

  test('takes puts again by itself once there is room for its reserve and them', async () => {
    const store = openShard(files, 'always', clock);
    await fill(store);
    files.capacityBytes -= files.freeBytes();
    await store.submit(remove('k0'));
    expect(store.shard.report().isDiskFull).toBe(true);
    files.capacityBytes += 4 * kibibyte - files.freeBytes();
    clock.advance(2000);
    expect(await store.submit(put('a', '1'))).toMatchObject({ kind: 'refused' });
    files.capacityBytes += 512 * kibibyte;
    clock.advance(2000);
    expect(await store.submit(put('a', '1'))).toMatchObject({ kind: 'written' });
    expect(store.shard.report().isDiskFull).toBe(false);
    expect(files.read(`${folder}/reserve`)).toHaveLength(256 * kibibyte);
  });

  test('removes the files that the last compaction replaced before it refuses a put', async () => {
    const store = openShard(files, 'always', clock);
    for (let key = 0; key < 100; key++) await store.submit(put(`k${key}`, value));
    compactShard(files, store);
    expect(files.list(folder)).toContain('journal-000001.ndjson');
    await fill(store, 'more');
    expect(files.list(folder)).not.toContain('journal-000001.ndjson');
    expect(await contentsOf(openShard(files.copy(), 'always'))).toEqual(await contentsOf(store));
  });

  test('is brought back by deleting most of the data', async () => {
    const store = openShard(files, 'always', clock);
    const count = await fill(store);
    let compacted = false;
    for (let key = 0; key < count - 5; key++) {
      await store.submit(remove(`k${key}`));
      compacted ||= compactWhereWanted(store);
    }
    expect(compacted).toBe(true);
    expect(await store.submit(put('new', value))).toMatchObject({ kind: 'written' });
    expect(store.shard.report()).toMatchObject({ isDiskFull: false, wantsCompaction: false });
    const contents = await contentsOf(store);
    expect(contents).toHaveLength(6);
    expect(await contentsOf(openShard(files.copy(), 'always'))).toEqual(contents);
  });

  test('is brought back by the expiry of most of the data', async () => {
    const store = openShard(files, 'always', clock);
    for (let key = 0; ; key++) {
      const { kind } = await store.submit(put(`k${key}`, value, { ttlMs: 1000 }));
      if (kind === 'refused') break;
    }
    clock.advance(5000);
    for (let step = 0; step < 5; step++) store.ask({ op: 'sweep', now: store.timestamp() });
    expect(compactWhereWanted(store)).toBe(true);
    expect(await store.submit(put('new', value))).toMatchObject({ kind: 'written' });
  });

  test('leaves files as they are if a compaction does not fit, and a later one can succeed', async () => {
    const store = openShard(files, 'always', clock);
    await fill(store);
    const contents = await contentsOf(store);
    const input = store.shard.beginCompaction(store.timestamp());
    if (input === undefined) throw new Error('there is much to compact');
    const live = [...files.contents()].filter(([path]) => path.includes('journal'));
    expect(() => compact({ ...shardPlace, fileSystem: files }, input)).toThrow('ENOSPC');
    expect([...files.contents()].filter(([path]) => path.includes('journal'))).toEqual(live);
    expect(files.list(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(await contentsOf(openShard(files.copy(), 'always'))).toEqual(contents);
    files.capacityBytes *= 4;
    compactShard(files, store);
    expect(await contentsOf(openShard(files, 'always'))).toEqual(contents);
  });

  test('takes puts again after a sync has failed during a compaction', async () => {
    const store = openShard(files, 'always', clock);
    await fill(store);
    expect(store.shard.beginCompaction(store.timestamp())?.journals).toHaveLength(1);
    failEach(files, { call: 'sync' });
    await store.submit(remove('k0'));
    expect(store.shard.report().isBroken).toBe(true);
    heal(files);
    files.capacityBytes *= 4;
    // The shard did not serve, so nothing has told it that the compaction was dropped.
    store.shard.mend(store.timestamp());
    clock.advance(2000);
    expect(await store.submit(put('new', value))).toMatchObject({ kind: 'written' });
  });

  test.each(['always', 'interval', 'never'] as const)(
    'does not keep a store from starting or stopping, in %s',
    async (fsync) => {
      const store = openShard(files, fsync, clock);
      await fill(store);
      const contents = await contentsOf(store);
      files.capacityBytes -= files.freeBytes();
      await store.close();
      for (const mode of ['always', fsync, 'interval'] as const) {
        const again = openShard(files, mode, clock);
        expect([mode, await contentsOf(again)]).toEqual([mode, contents]);
        files.capacityBytes -= files.freeBytes();
      }
    },
  );

  test('refuses deletes once its reserve is spent, and loses nothing', async () => {
    const store = openShard(files, 'always', clock);
    const count = await fill(store);
    const contents = await contentsOf(store);
    const long = 'd'.repeat(900);
    let refusal: unknown;
    for (let round = 0; refusal === undefined; round++) {
      // Each delete of a long key takes about 1 KiB, so the whole reserve is enough for a few hundred.
      files.capacityBytes -= files.freeBytes();
      const result = await store.submit(
        remove(round % 2 === 0 ? `k${round / 2}` : `${long}${round}`),
      );
      refusal = result.kind === 'refused' ? result.error : undefined;
      expect(round).toBeLessThan(2 * count);
    }
    expect(refusal).toMatchObject({ code: 'DISK_FULL', outcome: 'not-applied' });
    const left = await contentsOf(store);
    expect(contents).toEqual(expect.arrayContaining(left));
    expect(await contentsOf(openShard(files.copy(), 'always'))).toEqual(left);
  });
});
