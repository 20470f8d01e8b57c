// Tools on a read-only file system, for example a copy of a dead machine's disk, and on a full one.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { Disk, removeStaleDisks } from '../support/faults/mounted-disk.ts';
import { skipWithout } from '../support/faults/needs.ts';
import {
  makeTemporaryFolder,
  removeFolder,
  runToEnd,
  startServer,
} from '../support/processes/server-process.ts';

let disk: Disk | undefined;

beforeAll(removeStaleDisks);
afterEach(() => disk?.remove());

test('a read-only file system is verified, dumped and repaired from', async (context) => {
  skipWithout(context, 'root', 'mount');
  disk = Disk.tmpfs('32m');
  const data = join(disk.path, 'data');
  const { program, url } = await startServer(data, ['--shards', '2']);
  try {
    await fetch(`${url}/v1/keys/kept`, { method: 'PUT', body: 'value' });
    program.kill('SIGTERM');
    await program.exited;
  } finally {
    await program.end();
  }
  disk.remountReadOnly();
  expect(await runToEnd(['verify', data])).toMatchObject({ code: 0, stderr: '' });
  const { code, stdout } = await runToEnd(['dump', data]);
  expect([code, stdout]).toEqual([0, '{"key":"kept","value":"value","version":1}\n']);
  const folder = await makeTemporaryFolder();
  try {
    const newDir = join(folder, 'new');
    expect(await runToEnd(['repair', data, '--open', '--to', newDir])).toMatchObject({
      code: 0,
      stdout: '',
    });
    expect((await runToEnd(['dump', newDir])).stdout).toBe(stdout);
  } finally {
    await removeFolder(folder);
  }
});

test('a backup, a restore and a repair to a full disk say so, and leave nothing on it', async (context) => {
  skipWithout(context, 'root', 'mount');
  disk = Disk.tmpfs('1m');
  const folder = await makeTemporaryFolder();
  const [data, backup] = [join(folder, 'data'), join(folder, 'whole.backup')];
  const onDisk = (name: string): string => join(disk?.path ?? '', name);
  try {
    const { program, url } = await startServer(data, ['--shards', '2']);
    try {
      const body = Buffer.alloc(900_000, 'x');
      for (const key of ['a', 'b', 'c']) {
        await fetch(`${url}/v1/keys/${key}`, { method: 'PUT', body });
      }
      expect((await runToEnd(['backup', '--url', url, '--to', backup])).code).toBe(0);
      const full = await runToEnd(['backup', '--url', url, '--to', onDisk('full.backup')]);
      expect([full.code, full.stderr]).toEqual([1, expect.stringContaining(noRoomIn(disk.path))]);
      program.kill('SIGTERM');
      await program.exited;
    } finally {
      await program.end();
    }
    const target = onDisk('new');
    for (const args of [
      ['repair', data, '--to', target],
      ['restore', backup, '--data-dir', target],
    ]) {
      const { code, stderr } = await runToEnd(args);
      expect([code, stderr]).toEqual([1, expect.stringContaining(noRoomIn(target))]);
      expect(await readdir(disk.path)).toEqual([]);
    }
    expect((await runToEnd(['verify', data])).code).toBe(0);
  } finally {
    await removeFolder(folder);
  }
});

test('a repair to a disk without room for its folder says so, and leaves no folder above it', async (context) => {
  skipWithout(context, 'root', 'mount');
  // One inode is that of the root folder.
  disk = Disk.tmpfs('1m,nr_inodes=2');
  const folder = await makeTemporaryFolder();
  try {
    const { program } = await startServer(folder, ['--shards', '1']);
    program.kill('SIGTERM');
    await program.exited;
    const target = join(disk.path, 'deep', 'new');
    const { code, stderr } = await runToEnd(['repair', folder, '--to', target]);
    expect([code, stderr]).toEqual([
      1,
      `holdfast: no room on disk for the folder ${target}. Nothing has been changed.\n`,
    ]);
    expect(await readdir(disk.path)).toEqual([]);
  } finally {
    await removeFolder(folder);
  }
});

const noRoomIn = (folder: string): string => `holdfast: no room on disk in ${folder}`;
