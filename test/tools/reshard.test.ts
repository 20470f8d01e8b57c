import { describe, expect, test } from 'vitest';
import type { FsyncMode } from '../../src/base/fsync-mode.ts';
import { seqJumpUnsynced } from '../../src/base/limits.ts';
import { removeStrayLayouts } from '../../src/storage/stray-layouts.ts';
import type { Operation } from '../../src/store/operation.ts';
import { meteredFileSystem } from '../../src/tools/metered-file-system.ts';
import { reshard } from '../../src/tools/reshard.ts';
import { cutAt, cutAtEach, failAt, failEach, heal, recordCalls } from '../support/disk/faults.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { seededRandom } from '../support/random.ts';
import {
  contentsOfFolder,
  dataDir,
  seqsOfFolder,
  ShardedFolder,
} from '../support/disk/sharded-folder.ts';
import { put, remove } from '../support/stores/operations.ts';
import { doneOrWhyNot } from '../support/done-or-why-not.ts';

const operations: readonly Operation[] = [
  ...Array.from({ length: 40 }, (_, index) => put(`ключ ${index % 30}`, `value ${index}`)),
  put('text', 'Orléans', { expiresAt: 9e15 }),
  put('binary', Buffer.from([0xff, 0, 0x80])),
  put('expired', 'x', { expiresAt: 1_000_001 }),
  { ...put('text', 'elsewhere'), namespace: 'other' },
  { ...put('nameless', 'y'), namespace: '' },
  remove('ключ 3'),
];

/** Makes a store with journals in all shards, and snapshots in some. */
function makeStore(shards: number, fsync: FsyncMode = 'always'): MemoryFileSystem {
  const files = new MemoryFileSystem();
  const folder = new ShardedFolder(files, shards, fsync);
  for (const operation of operations) folder.write(operation);
  for (let shard = 0; shard < shards; shard += 2) folder.compact(shard);
  for (const operation of operations.slice(5, 25)) folder.write(operation);
  folder.stop();
  return files;
}

function countCalls(files: MemoryFileSystem, shards: number): number {
  const calls = recordCalls(files);
  reshard(files, dataDir, shards);
  return calls.length;
}

const layoutsIn = (files: MemoryFileSystem): string[] =>
  files.list(dataDir).filter((name) => name.startsWith('layout'));

describe.each([
  [1, 3],
  [4, 2],
  [2, 64],
  [3, 1],
])('a store of %i shards that becomes one of %i', (from, to) => {
  test('has the same entries, versions, deadlines and namespaces, and goes on above all versions', () => {
    const files = makeStore(from);
    const [contents, seqs] = [contentsOfFolder(files), seqsOfFolder(files)];
    const report = reshard(files, dataDir, to);
    expect(report).toEqual({ from, to, entries: contents.length, leftover: undefined });
    expect(contentsOfFolder(files)).toEqual(contents);
    expect(seqsOfFolder(files)).toEqual(Array(to).fill(Math.max(...seqs)));
    expect(files.list(dataDir)).toEqual(['layout-000002', 'manifest.json']);
    expect(files.openFiles).toBe(0);
    const folder = new ShardedFolder(files, 99);
    expect(folder.write(put('text', 'new'))).toBe(Math.max(...seqs));
    folder.stop();
    reshard(files, dataDir, from);
    expect(contentsOfFolder(files)).toHaveLength(contents.length);
    expect(layoutsIn(files)).toEqual(['layout-000003']);
  });
});

test('each step announces how many bytes it will read, and then reads them', () => {
  const read = new Map<string, { announced: number; done: number }>();
  let now = { announced: 0, done: 0 };
  const metered = meteredFileSystem(makeStore(3), (bytes) => (now.done += bytes));
  reshard(metered, dataDir, 2, (work, announced) => {
    now = { announced, done: 0 };
    read.set(work, now);
  });
  expect([...read.keys()]).toEqual(['checking', 'writing the new layout', 'reading back']);
  for (const { announced, done } of read.values()) {
    expect(announced).toBeGreaterThan(5000);
    expect(done).toBeGreaterThanOrEqual(announced);
    // The tool also reads small files that name the others, and does not announce them.
    expect(done).toBeLessThan(announced + 4000);
  }
});

test('a reshard to the present number of shards does nothing', () => {
  const files = makeStore(2);
  const before = files.contents();
  expect(reshard(files, dataDir, 2).entries).toBeUndefined();
  expect(files.contents()).toEqual(before);
});

test('more shards than a folder may have are refused', () => {
  expect(() => reshard(makeStore(1), dataDir, 65)).toThrow(/at most 64/);
});

test('no version is given twice if the end of a journal may have been seen and lost', () => {
  const files = new MemoryFileSystem();
  const folder = new ShardedFolder(files, 3, 'interval');
  const versions = operations.map((operation) => folder.write(operation) ?? 0);
  // Without a stop, as after a power cut.
  reshard(files, dataDir, 2);
  const lowest = Math.max(...versions) + seqJumpUnsynced;
  for (const seq of seqsOfFolder(files)) expect(seq).toBeGreaterThan(lowest);
});

test('a torn tail is read as far as it is valid, and not cut', () => {
  const files = makeStore(2);
  const contents = contentsOfFolder(files);
  const journal = '/data/layout-000001/shard-0001/journal-000001.ndjson';
  const torn = Buffer.concat([files.read(journal), Buffer.from('{"seq":9,"at"')]);
  files.put(journal, torn);
  const failing = files.copy();
  failEach(failing, { call: 'rename' });
  expect(() => reshard(failing, dataDir, 3)).toThrow('EIO');
  expect(failing.read(journal)).toEqual(torn);
  reshard(files, dataDir, 3);
  expect(contentsOfFolder(files)).toEqual(contents);
});

test('a damaged store is refused, and nothing is changed', () => {
  const whole = makeStore(3);
  // These files may differ: journals kept after a compaction are not live, and a reserve holds any
  // bytes.
  const spare = /000[02].journal-0+1|reserve/;
  const live = [...whole.contents().keys()].filter((path) => !spare.test(path));
  expect(live).toHaveLength(9);
  for (const path of live) {
    const files = whole.copy();
    const flipped = files.read(path);
    flipped[30] = (flipped[30] ?? 0) ^ 1;
    files.put(path, flipped);
    const before = files.contents();
    expect(() => reshard(files, dataDir, 2)).toThrow(/nothing has been changed/i);
    expect(files.contents()).toEqual(before);
  }
});

describe.each([
  [1, 3],
  [4, 2],
])('from %i shards to %i', (from, to) => {
  const made = makeStore(from);
  const contents = contentsOfFolder(made);
  const calls = countCalls(made.copy(), to);

  test('killed at any call, the old layout or the new one stands, whole', () => {
    expect(calls).toBeGreaterThan(30);
    const layouts = new Set<string>();
    for (const [fatal, files] of cutAtEach(calls, () => made.copy())) {
      doneOrWhyNot(() => reshard(files, dataDir, to));
      heal(files);
      expect([fatal, contentsOfFolder(files)]).toEqual([fatal, contents]);
      removeStrayLayouts(files, dataDir);
      expect(files.list(dataDir)).toHaveLength(2);
      expect([fatal, contentsOfFolder(files)]).toEqual([fatal, contents]);
      layouts.add(layoutsIn(files).join(' '));
      expect(reshard(files, dataDir, to).to).toBe(to);
      expect([fatal, contentsOfFolder(files)]).toEqual([fatal, contents]);
    }
    expect([...layouts].toSorted()).toEqual(['layout-000001', 'layout-000002']);
  });

  test('with the power cut at any call, the old layout or the new one stands, whole', () => {
    for (let seed = 0; seed < 4; seed++) {
      for (const [fatal, files] of cutAtEach(calls + 1, () => made.copy())) {
        doneOrWhyNot(() => reshard(files, dataDir, to));
        const cut = files.afterPowerCut(seededRandom(fatal * 4 + seed));
        expect([fatal, seed, contentsOfFolder(cut)]).toEqual([fatal, seed, contents]);
        // A kill, and then a power cut while the next start removes leftovers.
        cutAt(files, 1 + Math.floor(seededRandom(fatal * 4 + seed)() * 20));
        doneOrWhyNot(() => removeStrayLayouts(files, dataDir));
        const later = files.afterPowerCut(seededRandom(fatal * 4 + seed));
        expect([fatal, seed, contentsOfFolder(later)]).toEqual([fatal, seed, contents]);
      }
    }
  });

  test('a failing call leaves the store as it was, or done, and no file open', () => {
    for (let fatal = 1; fatal <= calls; fatal++) {
      const files = made.copy();
      failAt(files, fatal, { code: 'ENOSPC' });
      const outcome = doneOrWhyNot(() => reshard(files, dataDir, to));
      expect([fatal, outcome]).toEqual([
        fatal,
        expect.stringMatching(/^done|as it was|may not be durable/),
      ]);
      expect([fatal, files.openFiles]).toEqual([fatal, 0]);
      expect([fatal, contentsOfFolder(files)]).toEqual([fatal, contents]);
    }
  });
});

test('a store whose reshard was killed at any call is refused without its manifest, and stays as it is', () => {
  const made = makeStore(2);
  const calls = countCalls(made.copy(), 3);
  for (const [, files] of cutAtEach(calls, () => made.copy())) {
    doneOrWhyNot(() => reshard(files, dataDir, 3));
    heal(files);
    const manifest = files.read('/data/manifest.json');
    for (const [without, why] of [
      [undefined, 'missing'],
      [manifest.subarray(1), 'checksum'],
    ] as const) {
      if (without === undefined) files.remove('/data/manifest.json');
      else files.put('/data/manifest.json', without);
      const before = files.contents();
      expect(() => removeStrayLayouts(files, dataDir)).toThrow(why);
      expect(() => reshard(files, dataDir, 3)).toThrow(why);
      expect(() => new ShardedFolder(files, 3)).toThrow(why);
      expect(files.contents()).toEqual(before);
    }
  }
});
