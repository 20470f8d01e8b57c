// The offline tools on a read-only file system, for example a copy of a dead machine's disk.
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
