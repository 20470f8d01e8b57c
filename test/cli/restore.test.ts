// `holdfast restore` as typed, on real files.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nodeFileSystem } from '../../src/storage/node-file-system.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import {
  makeTemporaryFolder,
  removeFolder,
  runToEnd,
  startServer,
} from '../support/processes/server-process.ts';
import { backupOf, contentsOfFolder, ShardedFolder } from '../support/disk/sharded-folder.ts';
import { put } from '../support/stores/operations.ts';
import { withoutProgress } from '../support/without-progress.ts';

let folder: string;
let file: string;
let dataDir: string;
const source = new MemoryFileSystem();
const store = new ShardedFolder(source, 3);
for (let index = 0; index < 100; index++) store.write(put(`key ${index}`, `value ${index}`));
const backup = backupOf(source, store.cut());

beforeEach(async () => {
  folder = await makeTemporaryFolder();
  [file, dataDir] = [join(folder, 'backup.ndjson'), join(folder, 'deep', 'data')];
  await writeFile(file, backup);
});
afterEach(() => removeFolder(folder));

describe('holdfast restore', () => {
  test('makes a store that serves the entries with their versions', async () => {
    const { code, stdout, stderr } = await runToEnd(
      ['restore', file, '--data-dir', dataDir, '--shards', '2'],
    ); // prettier-ignore
    const line = `${dataDir} holds the backup now: 100 entries, 2 shards\n`;
    expect({ code, stdout, stderr: withoutProgress(stderr) }).toEqual({
      code: 0,
      stdout: line,
      stderr: '',
    });
    expect(contentsOfFolder(nodeFileSystem, dataDir)).toEqual(contentsOfFolder(source));
    const { program, url } = await startServer(dataDir);
    try {
      const response = await fetch(`${url}/v1/keys/key%2042`);
      expect(await response.text()).toBe('value 42');
      expect(Number(response.headers.get('etag')?.replaceAll('"', ''))).toBeLessThan(101);
      const written = await fetch(`${url}/v1/keys/new`, { method: 'PUT', body: 'x' });
      expect(Number(written.headers.get('etag')?.replaceAll('"', ''))).toBeGreaterThan(2 ** 40);
    } finally {
      program.kill('SIGTERM');
      await program.exited;
    }
    const again = await runToEnd(['restore', file, '--data-dir', dataDir]);
    expect([again.code, again.stderr]).toEqual([3, expect.stringContaining('is not empty')]);
  });

  test('refuses what is not a whole backup, naming the place, and makes no folder', async () => {
    await writeFile(file, backup.subarray(0, -1));
    const { code, stderr } = await runToEnd(['restore', file, '--data-dir', dataDir]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/backup.ndjson, line \d+, offset \d+: .*not a whole backup\n$/);
    expect(await readdir(folder)).toEqual(['backup.ndjson']);
  });

  test('refuses a folder with anything in it, and a file that is not there', async () => {
    await mkdir(dataDir, { recursive: true });
    await writeFile(join(dataDir, 'notes.txt'), 'mine');
    const full = await runToEnd(['restore', file, '--data-dir', dataDir]);
    expect([full.code, full.stderr]).toEqual([3, expect.stringContaining('it holds notes.txt')]);
    expect(await readFile(join(dataDir, 'notes.txt'), 'utf8')).toBe('mine');
    expect(await readdir(dataDir)).toEqual(['notes.txt']);
    const missing = await runToEnd(['restore', `${file}x`, '--data-dir', join(folder, 'other')]);
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('ENOENT')]);
    expect(await readdir(folder)).toEqual(['backup.ndjson', 'deep']);
  });
});
