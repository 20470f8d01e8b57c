// Every tool resolves a transaction that a crash has cut short just as the next start would.
import { describe, expect, test } from 'vitest';
import { BackupReader } from '../../src/storage/backup-reader.ts';
import { valueOfRecord } from '../../src/storage/record.ts';
import { dumpStore } from '../../src/tools/dump-store.ts';
import { reshard } from '../../src/tools/reshard.ts';
import { restoreBackup } from '../../src/tools/restore.ts';
import {
  leaveTransaction,
  leftTransactions,
  servedAfter,
  servedByStart,
} from '../support/disk/left-transactions.ts';
import type { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { backupOf } from '../support/disk/sharded-folder.ts';
import { readEntries, type ReadEntry } from '../support/disk/sharded-files.ts';

const dataDir = '/data';

function valuesIn(entries: ReadonlyMap<string, ReadEntry>): Record<string, string> {
  return Object.fromEntries(Array.from(entries, ([key, { value }]) => [key, value]));
}

function dumped(files: MemoryFileSystem): Map<string, ReadEntry> {
  const lines = [...dumpStore(files, dataDir, 0)].join('').split('\n').slice(0, -1);
  const entries = lines.map((line) => JSON.parse(line) as ReadEntry & { readonly key: string });
  return new Map(entries.map(({ key, value, version }) => [key, { value, version }]));
}

function backedUp(backup: Buffer, files: MemoryFileSystem): Map<string, ReadEntry> {
  files.put('/backup', backup);
  const blocks = new BackupReader(files.openReadOnly('/backup'), 'backup').blocks();
  const records = [...blocks].flatMap(({ entries }) => entries);
  return new Map(
    records.map((record) => {
      return [record.key, { version: record.version, value: valueOfRecord(record) }];
    }),
  );
}

function hasOutcome(files: MemoryFileSystem): boolean {
  return /"op":"(?:commit|abort)"/.test([...files.contents().values()].join());
}

describe.each(['always', 'interval', 'never'] as const)('in %s, where', (fsync) => {
  describe.each(leftTransactions)('$state,', (left) => {
    test('the next start serves all of it or nothing, and so do those after it', () => {
      const store = leaveTransaction(left, dataDir, fsync);
      for (let start = 0; start < 3; start++) {
        expect(valuesIn(servedByStart(store.fileSystem, dataDir))).toEqual(servedAfter(left));
        store.start(fsync);
        if (start === 1) for (const shard of [0, 1, 2]) store.compact(shard);
      }
    });

    test('a dump prints the entries that the next start serves, and changes nothing', () => {
      const { fileSystem: files } = leaveTransaction(left, dataDir, fsync);
      const before = files.contents();
      expect(dumped(files)).toEqual(servedByStart(files, dataDir));
      expect(files.contents()).toEqual(before);
    });

    test.each([1, 2, 7])('a store resharded to %i shards has what the next start serves', (to) => {
      const { fileSystem: files } = leaveTransaction(left, dataDir, fsync);
      const served = servedByStart(files, dataDir);
      reshard(files, dataDir, to);
      expect(readEntries(files, dataDir)).toEqual(served);
      // No transaction is in doubt any more.
      expect([...files.contents().values()].join()).not.toContain('"op":"prepare"');
    });

    test('a backup has no prepared changes, and a restore of it serves the same entries', () => {
      const store = leaveTransaction(left, dataDir, fsync);
      const { fileSystem: files } = store;
      store.start(fsync);
      const backup = backupOf(files, store.cut());
      expect(backup.toString()).not.toMatch(/"op"|"transaction"/);
      expect(backedUp(backup, files)).toEqual(store.entries());
      const restored = { file: files.openReadOnly('/backup'), name: 'backup' };
      const plan = { fileSystem: files, dataDir: '/restored', store: 'x', shards: 2, now: 0 };
      files.makeFolder('/restored');
      restoreBackup(restored, plan);
      expect(readEntries(files, '/restored')).toEqual(store.entries());
    });
  });
});

test('a backup of a moment between prepare and outcome has nothing of the transaction', () => {
  const leftInDoubt = leftTransactions
    .map((left) => ({ left, store: leaveTransaction(left, dataDir) }))
    .filter(({ store }) => !hasOutcome(store.fileSystem));
  expect(leftInDoubt).toHaveLength(6);
  for (const { left, store } of leftInDoubt) {
    const found = backedUp(backupOf(store.fileSystem, store.cut()), store.fileSystem);
    expect(valuesIn(found)).toEqual(servedAfter({ ...left, isCommitted: false }));
  }
});
