import { describe, expect, test } from 'vitest';
import { valueOfTask, type BackupTasks } from '../../../src/protocol/shard-task.ts';
import type { BackupCut } from '../../../src/shard/streams/backup-stream.ts';
import { backupTasks, type BackupTaskHandlers } from '../../../src/shard/tasks/backup-tasks.ts';
import { BackupReader } from '../../../src/storage/backup-reader.ts';
import { WorkerPool } from '../../../src/router/threads/worker-pool.ts';
import { meteredFileSystem } from '../../../src/tools/metered-file-system.ts';
import { nodeFileSystem } from '../../../src/storage/node-file-system.ts';
import { makeTestFolder } from '../../support/stores/embedded-store.ts';
import { MemoryFileSystem } from '../../support/disk/memory-file-system.ts';
import { contentsOfFolder, ShardedFolder } from '../../support/disk/sharded-folder.ts';
import { put, remove } from '../../support/stores/operations.ts';

type Begin = BackupTasks['begin'][0];

function taskOf({ parts, ...moment }: BackupCut): Begin {
  const given = parts.map(({ source, ...location }) => ({
    ...location,
    input: { content: source },
  }));
  return { parts: given, ...moment };
}

function readAll(tasks: BackupTaskHandlers): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (;;) {
    const piece = valueOfTask(tasks.next(undefined));
    if (piece === undefined) return pieces;
    pieces.push(piece);
  }
}

/** Namespace, key, version, expiry and value, in the form of `contentsOfFolder`. */
function linesOf(bytes: Uint8Array): string[] {
  const files = new MemoryFileSystem();
  files.put('/backup', bytes);
  const lines: string[] = [];
  for (const { namespace, entries } of new BackupReader(files.open('/backup'), 'b').blocks()) {
    for (const { key, version, expiresAt, value, valueBase64 } of entries) {
      const base64 = valueBase64 ?? Buffer.from(value ?? '').toString('base64');
      const byteKey = Buffer.from(key).toString('latin1');
      lines.push(`${namespace} ${byteKey} ${version} ${expiresAt ?? '-'} ${base64}`);
    }
  }
  return lines.toSorted();
}

function filled(folder: ShardedFolder): ShardedFolder {
  for (let index = 0; index < 300; index++) {
    folder.write(put(`ключ ${index}`, Buffer.alloc(20_000, index)));
  }
  folder.compact(0);
  for (let index = 0; index < 100; index += 3) folder.write(remove(`ключ ${index}`));
  folder.write({ ...put('text', 'elsewhere', { expiresAt: 9e15 }), namespace: 'other' });
  return folder;
}

describe('the tasks of a backup', () => {
  test('give the cut in pieces, though the store goes on and removes the files', () => {
    const files = new MemoryFileSystem();
    const folder = filled(new ShardedFolder(files, 3));
    const [contents, open] = [contentsOfFolder(files), files.openFiles];
    const tasks = backupTasks(files);
    valueOfTask(tasks.begin(taskOf(folder.cut())));
    folder.write(put('text', 'written after the cut'));
    for (let round = 0; round < 3; round++) {
      for (let shard = 0; shard < 3; shard++) folder.compact(shard);
      folder.write(put(`round ${round}`, 'x'));
    }
    const pieces = readAll(tasks);
    expect(linesOf(Buffer.concat(pieces))).toEqual(contents);
    expect(pieces.length).toBeGreaterThan(5);
    for (const { length } of pieces) expect(length).toBeLessThan(1.2 * 1024 * 1024);
    expect(files.openFiles).toBe(open);
    expect(valueOfTask(tasks.next(undefined))).toBeUndefined();
  });

  test('of an empty store give an empty backup', () => {
    const files = new MemoryFileSystem();
    const tasks = backupTasks(files);
    valueOfTask(tasks.begin(taskOf(new ShardedFolder(files, 2).cut())));
    expect(linesOf(Buffer.concat(readAll(tasks)))).toEqual([]);
  });

  test('give one namespace as of the cut, and read no other in the snapshots', () => {
    const files = new MemoryFileSystem();
    const folder = filled(new ShardedFolder(files, 3));
    folder.write({ ...put('more', 'of it'), namespace: 'other' });
    for (let shard = 0; shard < 3; shard++) folder.compact(shard);
    folder.write({ ...put('last', 'of it'), namespace: 'other' });
    folder.write(put('a key', 'of another namespace'));
    const contents = contentsOfFolder(files);
    const cut = folder.cut();
    const take = (namespace: string): string[] => {
      const tasks = backupTasks(metered);
      bytesRead = 0;
      valueOfTask(tasks.begin({ ...taskOf(cut), namespace }));
      const bytes = Buffer.concat(readAll(tasks));
      expect(bytes.toString()).toMatch(new RegExp(`^[^\\n]*"namespace":"${namespace}","p"`));
      return linesOf(bytes);
    };
    let bytesRead = 0;
    const metered = meteredFileSystem(files, (bytes) => (bytesRead += bytes));
    const open = files.openFiles;
    const linesIn = (namespace: string) =>
      contents.filter((line) => line.startsWith(`${namespace} `));
    expect(take('default')).toEqual(linesIn('default'));
    expect(bytesRead).toBeGreaterThan(4_000_000);
    for (const namespace of ['other', 'none']) {
      expect(take(namespace)).toEqual(linesIn(namespace));
      expect(bytesRead).toBeLessThan(50_000);
    }
    expect(take('other')).toHaveLength(3);
    expect(files.openFiles).toBe(open);
  });

  test('refuse to begin if a file is missing, and leave none open', () => {
    const files = new MemoryFileSystem();
    const cut = filled(new ShardedFolder(files, 3)).cut();
    const open = files.openFiles;
    files.remove('/data/layout-000001/shard-0002/journal-000001.ndjson');
    expect(() => valueOfTask(backupTasks(files).begin(taskOf(cut)))).toThrow(/journal-000001/);
    expect(files.openFiles).toBe(open);
  });

  test('fail at a damaged file, so that the backup has no footer', () => {
    const files = new MemoryFileSystem();
    const cut = filled(new ShardedFolder(files, 3)).cut();
    const path = '/data/layout-000001/shard-0000/snapshot-000001.json';
    const bytes = files.read(path);
    bytes[bytes.length - 300_000] = 0;
    files.put(path, bytes);
    const open = files.openFiles;
    const tasks = backupTasks(files);
    valueOfTask(tasks.begin(taskOf(cut)));
    expect(() => readAll(tasks)).toThrow(/snapshot-000001.json, line \d+, offset \d+/);
    expect(files.openFiles).toBe(open);
  });

  test('run in a thread of their own, over real files', async () => {
    const place = await makeTestFolder();
    const pool = new WorkerPool<BackupTasks>({ entry: 'backup' });
    try {
      const folder = filled(new ShardedFolder(nodeFileSystem, 2, 'always', place.path));
      const contents = contentsOfFolder(nodeFileSystem, place.path);
      valueOfTask(await pool.run('begin', taskOf(folder.cut())));
      await place.remove();
      const pieces: Uint8Array[] = [];
      for (;;) {
        const piece = valueOfTask(await pool.run('next', undefined));
        if (piece === undefined) break;
        pieces.push(piece);
      }
      expect(linesOf(Buffer.concat(pieces))).toEqual(contents);
    } finally {
      await pool.destroy();
      await place.remove();
    }
  });
});
