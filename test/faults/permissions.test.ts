// Folders that cannot be read or written. A start fails at once, names the folder in one line, and
// leaves no unfinished file.
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  currentName,
  journalName,
  manifestName,
  snapshotName,
} from '../../src/storage/file-names.ts';
import { Disk, removeStaleDisks } from '../support/faults/mounted-disk.ts';
import { skipWithout } from '../support/faults/needs.ts';
import { startInjected } from '../support/faults/strace.ts';
import {
  makeTemporaryFolder,
  programFile,
  ProgramProcess,
  removeFolder,
  startServer,
  type Exit,
} from '../support/processes/server-process.ts';

const shardFolder = join('layout-000001', 'shard-0000');
const toNobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
/** A start that fails must do so within this time. */
const failedWithinMs = 5000;

let folder: string;
let disks: Disk[];
let started: ProgramProcess[];

beforeAll(removeStaleDisks);

beforeEach(async () => {
  folder = await makeTemporaryFolder();
  disks = [];
  started = [];
});

afterEach(async () => {
  for (const program of started) await program.end();
  for (const disk of disks) disk.remove();
  await removeFolder(folder);
});

/** A store with an entry in a snapshot and one in a journal, cleanly stopped. */
async function makeStore(dataDir: string): Promise<void> {
  const flags = ['--shards', '1', '--compact-journal-bytes', '64KiB', '--log-level', 'warn'];
  const { program, url } = await startServer(dataDir, flags);
  started.push(program);
  await fetch(`${url}/v1/keys/large`, { method: 'PUT', body: 'x'.repeat(100_000) });
  // A start reads only the files that current.json names.
  const current = join(dataDir, shardFolder, currentName);
  while (!(await readFile(current, 'utf8')).includes('"snapshot":{'));
  await fetch(`${url}/v1/keys/kept`, { method: 'PUT', body: 'kept' });
  program.kill('SIGTERM');
  await program.exited;
}

async function filesOf(dataDir: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const entry of await readdir(dataDir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    // LOCK has the id of its last holder, so it differs.
    if (entry.isFile() && entry.name !== 'LOCK') files.set(path, await readFile(path, 'base64'));
    else files.set(path, '');
  }
  return files;
}

interface FailedStart extends Exit {
  readonly stdout: string;
  readonly lastLine: string;
  readonly ms: number;
}

async function failToStart(
  dataDir: string,
  run: (args: string[]) => ProgramProcess,
): Promise<FailedStart> {
  const from = performance.now();
  const program = run([programFile, 'serve', '--port', '0', '--data-dir', dataDir]);
  started.push(program);
  const exit = await program.exited;
  const lastLine = program.stderr.trimEnd().split('\n').at(-1) ?? '';
  return { ...exit, stdout: program.stdout, lastLine, ms: performance.now() - from };
}

const asUsual = (args: string[]): ProgramProcess => new ProgramProcess(process.execPath, args);

const asNobody = (args: string[]): ProgramProcess =>
  new ProgramProcess('setpriv', [...toNobody, process.execPath, ...args]);

function expectRefused({ code, stdout, lastLine, ms }: FailedStart, named: string): void {
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(lastLine).toMatch(/^holdfast: /);
  expect(lastLine).toContain(named);
  expect(ms).toBeLessThan(failedWithinMs);
}

test('a file system that has become read-only is named, and nothing on it changes', async (context) => {
  skipWithout(context, 'root', 'mount');
  const disk = Disk.tmpfs('16m');
  disks.push(disk);
  const dataDir = join(disk.path, 'data');
  await makeStore(dataDir);
  const before = await filesOf(dataDir);
  disk.remountReadOnly();
  expectRefused(await failToStart(dataDir, asUsual), dataDir);
  expect(await filesOf(dataDir)).toEqual(before);
  expectRefused(await failToStart(join(disk.path, 'new'), asUsual), join(disk.path, 'new'));
  disk.remountWritable();
  const { url } = await start(dataDir);
  expect(await (await fetch(`${url}/v1/keys/kept`)).text()).toBe('kept');
});

async function start(dataDir: string): Promise<{ url: string }> {
  const server = await startServer(dataDir);
  started.push(server.program);
  return server;
}

test('a folder that is immutable is named, and no store is half made in it', async (context) => {
  skipWithout(context, 'root', 'mount', 'mkfs.ext4', 'chattr');
  const disk = Disk.ext4('16M');
  disks.push(disk);
  const dataDir = join(disk.path, 'data');
  await mkdir(dataDir);
  execFileSync('chattr', ['+i', dataDir]);
  expectRefused(await failToStart(dataDir, asUsual), dataDir);
  execFileSync('chattr', ['-i', dataDir]);
  expect(await readdir(dataDir)).toEqual([]);
  await makeStore(dataDir);
  const shard = join(dataDir, shardFolder);
  const before = await filesOf(dataDir);
  execFileSync('chattr', ['-R', '+i', shard]);
  expectRefused(await failToStart(dataDir, asUsual), 'shard');
  execFileSync('chattr', ['-R', '-i', shard]);
  expect(await filesOf(dataDir)).toEqual(before);
  const { url } = await start(dataDir);
  expect(await (await fetch(`${url}/v1/keys/kept`)).text()).toBe('kept');
});

test('a folder of another user is named, readable or not, and nothing in it changes', async (context) => {
  skipWithout(context, 'root', 'setpriv');
  await chmod(folder, 0o755);
  const dataDir = join(folder, 'data');
  await makeStore(dataDir);
  const before = await filesOf(dataDir);
  for (const mode of [0o755, 0o700]) {
    await chmod(dataDir, mode);
    expectRefused(await failToStart(dataDir, asNobody), dataDir);
  }
  expectRefused(await failToStart(join(folder, 'new'), asNobody), join(folder, 'new'));
  expect(await filesOf(dataDir)).toEqual(before);
  expect(await readdir(folder)).toEqual(['data']);
});

test.for([
  ['manifest', manifestName],
  ['current', join(shardFolder, currentName)],
  ['journal', 'journal'],
  ['snapshot', 'snapshot'],
] as const)('a %s that cannot be read is not taken for missing', async ([, file], context) => {
  skipWithout(context, 'strace');
  const dataDir = join(folder, 'data');
  await makeStore(dataDir);
  const before = await filesOf(dataDir);
  const numbered = { journal: journalName, snapshot: snapshotName } as const;
  const paths =
    file === 'journal' || file === 'snapshot'
      ? Array.from({ length: 9 }, (_, number) => join(dataDir, shardFolder, numbered[file](number)))
      : [join(dataDir, file)];
  const failed = await failToStart(dataDir, (args) =>
    startInjected(args, { paths, calls: 'read,pread64', fault: 'error=EIO' }),
  );
  expectRefused(failed, 'EIO');
  expect(await filesOf(dataDir)).toEqual(before);
});
