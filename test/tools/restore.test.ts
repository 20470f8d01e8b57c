import { describe, expect, test } from 'vitest';
import { seqJumpRepaired } from '../../src/base/limits.ts';
import type { BackupPart } from '../../src/shard/streams/backup-stream.ts';
import { openDataFolder } from '../../src/engine/data-folder.ts';
import { readManifest, unfinishedMaking } from '../../src/storage/manifest.ts';
import {
  proveBackup,
  restoreBackup,
  type Backup,
  type EntryTransform,
} from '../../src/tools/restore.ts';
import { cutAtEach, failAt, heal, recordCalls } from '../support/disk/faults.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { pipeOf } from '../support/disk/pipe-of.ts';
import { seededRandom } from '../support/random.ts';
import {
  backupOf,
  contentsOfFolder,
  dataDir,
  seqsOfFolder,
  ShardedFolder,
} from '../support/disk/sharded-folder.ts';
import { put, remove } from '../support/stores/operations.ts';
import { doneOrWhyNot } from '../support/done-or-why-not.ts';

const source = new MemoryFileSystem();
const folder = new ShardedFolder(source, 3);
for (let index = 0; index < 60; index++) folder.write(put(`ключ ${index % 40}`, `value ${index}`));
folder.write(put('text', 'Orléans', { expiresAt: 9e15 }));
folder.write(put('binary', Buffer.from([0xff, 0, 0x80])));
folder.write(put('expired', 'x', { expiresAt: 1_000_001 }));
folder.write({ ...put('text', 'elsewhere'), namespace: 'other' });
folder.compact(1);
folder.write(remove('ключ 3'));
const contents = contentsOfFolder(source);
const backupBytes = backupOf(source, folder.cut());
const seq = Math.max(...seqsOfFolder(source));

function backupIn(files: MemoryFileSystem): Backup {
  if (!files.exists('/backup')) files.put('/backup', backupBytes);
  return { file: files.openReadOnly('/backup'), name: '/backup' };
}

function restore(fileSystem: MemoryFileSystem, shards = 2): number {
  const backup = backupIn(fileSystem);
  try {
    return restoreBackup(backup, { fileSystem, dataDir, store: 'new', shards, now: 5 }).entries;
  } finally {
    backup.file.close();
  }
}

function emptyFolder(): MemoryFileSystem {
  const files = new MemoryFileSystem();
  files.makeFolder(dataDir);
  files.put('/data/LOCK', Buffer.alloc(0));
  return files;
}

function countCalls(): number {
  const files = emptyFolder();
  const calls = recordCalls(files);
  restore(files);
  return calls.length;
}

const restorePipe = (files: MemoryFileSystem, bytes: Buffer): number => {
  const plan = { fileSystem: files, dataDir, store: 'new', shards: 3, now: 5 };
  return restoreBackup({ file: pipeOf(bytes, 700), name: 'standard input' }, plan).entries;
};

describe('a restored store', () => {
  test.each([1, 2, 3, 64])('of %i shards is the one that was backed up', (shards) => {
    const files = emptyFolder();
    expect(restore(files, shards)).toBe(contents.length);
    expect(contentsOfFolder(files)).toEqual(contents);
    expect(seqsOfFolder(files)).toEqual(Array(shards).fill(seq + seqJumpRepaired));
    expect(readManifest(files, dataDir)).toMatchObject({ store: 'new', shards, createdAt: 5 });
    expect(files.openFiles).toBe(0);
    const restored = new ShardedFolder(files, 99);
    expect(restored.write(put('text', 'x'))).toBe(seq + seqJumpRepaired);
    // Writes to the restored store can be backed up and restored again.
    const again = emptyFolder();
    again.put('/backup', backupOf(files, restored.cut()));
    restore(again, 2);
    expect(contentsOfFolder(again)).toEqual(contentsOfFolder(files));
  });
});

const base64Of = (text: string): string => Buffer.from(text).toString('base64');

function transformed(transform: EntryTransform): MemoryFileSystem {
  const files = emptyFolder();
  const plan = { fileSystem: files, dataDir, store: 'new', shards: 2, now: 5, transform };
  restoreBackup(backupIn(files), plan);
  return files;
}

describe('a transform of the entries of a restore', () => {
  test('may leave entries out, change and add some', () => {
    const files = transformed(function* (entries) {
      yield { namespace: '', key: 'new', version: 7, record: { key: 'new', value: 'v' } };
      for (const entry of entries) {
        if (entry.namespace === 'other') continue;
        const isText = entry.key === 'text';
        yield isText ? { ...entry, record: { key: 'text', value: 'changed' } } : entry;
      }
    });
    const kept = contents.filter((line) => line.startsWith('default ') && !/ text /.test(line));
    const [text = ''] = contents.filter((line) => line.startsWith('default text '));
    const changed = text.replace(/\S+$/, base64Of('changed'));
    const expected = [...kept, changed, ` new 7 - ${base64Of('v')}`];
    expect(contentsOfFolder(files)).toEqual(expected.toSorted());
  });

  test('that breaks their order, or does not read the backup to its end, leaves no store', () => {
    const transforms: readonly EntryTransform[] = [
      (entries) => [...entries].toReversed(),
      (entries) => Array.from(entries).flatMap((entry) => [entry, entry]),
      function* (entries) {
        for (const entry of entries) {
          yield entry;
          return;
        }
      },
    ];
    for (const transform of transforms) {
      const files = emptyFolder();
      const plan = { fileSystem: files, dataDir, store: 'new', shards: 2, now: 5, transform };
      expect(() => restoreBackup(backupIn(files), plan)).toThrow(/./);
      expect(files.list(dataDir)).toEqual(['LOCK']);
    }
  });
});

test('a backup of one namespace becomes a store of that namespace', () => {
  const files = emptyFolder();
  const cut = { ...new ShardedFolder(source, 3).cut(), namespace: 'other' };
  files.put('/backup', backupOf(source, cut));
  const plan = { fileSystem: files, dataDir, store: 'new', shards: 2, now: 5 };
  expect(restoreBackup(backupIn(files), plan)).toEqual({ entries: 1, namespace: 'other' });
  expect(contentsOfFolder(files)).toEqual(contents.filter((line) => line.startsWith('other ')));
  // Another namespace of the source may have used higher versions, and they are not given again.
  expect(Math.min(...seqsOfFolder(files))).toBe(cut.parts.reduce(highestSeq, 0) + seqJumpRepaired);
});

const highestSeq = (seqSoFar: number, { source: { seq: own } }: BackupPart): number =>
  Math.max(seqSoFar, own);

describe('a folder that is not empty', () => {
  test.each(['manifest.json', 'layout-000001', 'notes.txt', 'manifest.json.next.tmp'])(
    'is refused for its %s, and stays as it is',
    (name) => {
      const files = emptyFolder();
      files.put(`/data/${name}`, Buffer.from('x'));
      backupIn(files).file.close();
      const before = files.contents();
      expect(() => restore(files)).toThrow(`/data is not empty, it holds ${name}`);
      expect(files.contents()).toEqual(before);
    },
  );
});

describe('a backup that is not whole', () => {
  test('is noticed before anything is made', () => {
    for (const length of [0, 10, 500, backupBytes.length - 1]) {
      const files = emptyFolder();
      files.put('/backup', backupBytes.subarray(0, length));
      expect(() => proveBackup(backupIn(files))).toThrow(/not a whole backup/);
    }
    expect(proveBackup(backupIn(emptyFolder()))).toBe(contents.length);
  });

  test('is noticed in a pipe, which is read once, and leaves nothing', () => {
    const whole = emptyFolder();
    expect(restorePipe(whole, backupBytes)).toBe(contents.length);
    expect(contentsOfFolder(whole)).toEqual(contents);
    const bad = Buffer.from(backupBytes);
    bad[bad.length - 300] = (bad[bad.length - 300] ?? 0) ^ 1;
    const followed = Buffer.concat([backupBytes, Buffer.from('{}\n')]);
    const cut = [0, 10, 500, backupBytes.length - 60, backupBytes.length - 1];
    for (const bytes of [bad, followed, ...cut.map((end) => backupBytes.subarray(0, end))]) {
      const files = emptyFolder();
      expect(() => restorePipe(files, bytes)).toThrow(/standard input, line .*not a whole backup/);
      expect(files.list(dataDir)).toEqual(['LOCK']);
      expect(files.openFiles).toBe(0);
    }
  });

  test('is noticed while it is restored, too, and leaves nothing', () => {
    const files = emptyFolder();
    files.put('/backup', backupBytes.subarray(0, -60));
    expect(() => restore(files)).toThrow(/not a whole backup/);
    expect(files.list(dataDir)).toEqual(['LOCK']);
    expect(files.openFiles).toBe(0);
  });
});

/** A half-made store is no store. A restore may replace it, but a start must not take it for empty. */
function isMade(files: MemoryFileSystem): boolean {
  if (unfinishedMaking(files, dataDir) === undefined) {
    return readManifest(files, dataDir) !== undefined;
  }
  if (/cut short/.test(doneOrWhyNot(() => readManifest(files, dataDir)))) return false;
  throw new Error('half a store is taken for one');
}

describe('a restore', () => {
  const calls = countCalls();

  test('killed at any call leaves no store or a whole one, and can be done again', () => {
    expect(calls).toBeGreaterThan(30);
    for (const [fatal, files] of cutAtEach(calls, emptyFolder)) {
      doneOrWhyNot(() => restore(files));
      heal(files);
      if (!isMade(files)) restore(files, 3);
      expect([fatal, contentsOfFolder(files)]).toEqual([fatal, contents]);
    }
  });

  test('with the power cut at any call leaves no store or a whole one, and no start takes half a one', () => {
    for (let seed = 0; seed < 4; seed++) {
      for (const [fatal, files] of cutAtEach(calls + 1, emptyFolder)) {
        doneOrWhyNot(() => restore(files));
        const cut = files.afterPowerCut(seededRandom(fatal * 4 + seed));
        if (!isMade(cut)) restore(cut, 3);
        openDataFolder(cut, dataDir, { asked: undefined, byDefault: 2 }, 0);
        expect([fatal, seed, contentsOfFolder(cut)]).toEqual([fatal, seed, contents]);
      }
    }
  });

  test('on a full disk says so and leaves nothing, whichever call it meets', () => {
    for (let fatal = 1; fatal < calls; fatal++) {
      const files = emptyFolder();
      failAt(files, fatal, { code: 'ENOSPC' });
      expect(() => restore(files)).toThrow(/no room on disk/);
      expect([fatal, files.list(dataDir), files.openFiles]).toEqual([fatal, ['LOCK'], 0]);
    }
  });
});
