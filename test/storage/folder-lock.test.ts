// One process may use a data folder at a time, and the lock ends with its holder.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { StoreError } from '../../src/base/errors.ts';
import { acquireFolderLock, holdFolderReadOnly } from '../../src/storage/folder-lock.ts';
import { lockName } from '../../src/storage/file-names.ts';
import { programFolder } from '../../src/base/program-folder.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'holdfast-'))));
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

function refusalOf(dataDir: string): StoreError {
  try {
    acquireFolderLock(dataDir).release();
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

/** Starts a process that holds the lock until a kill. */
async function startHolder(dataDir: string) {
  const lockModule = join(programFolder, 'dist', 'src', 'storage', 'folder-lock.js');
  const script = `
    const { acquireFolderLock } = await import(${JSON.stringify(lockModule)});
    acquireFolderLock(${JSON.stringify(dataDir)}).writeProcessId();
    console.log('held');
    setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  return holder;
}

test('a second process is refused and told who holds the folder; kill -9 lets it in', async () => {
  const holder = await startHolder(folder);
  const gone = once(holder, 'exit');
  try {
    const refusal = refusalOf(folder);
    expect(refusal.code).toBe('STORE_IN_USE');
    expect(refusal.message).toContain(`process ${holder.pid}`);
  } finally {
    holder.kill('SIGKILL');
    await gone;
  }
  acquireFolderLock(folder).release();
});

test('the same process cannot take a folder twice', () => {
  const lock = acquireFolderLock(folder);
  expect(refusalOf(folder).code).toBe('STORE_IN_USE');
  lock.release();
  acquireFolderLock(folder).release();
});

test('releasing twice does not free the lock of the next holder', () => {
  const first = acquireFolderLock(folder);
  first.release();
  const second = acquireFolderLock(folder);
  first.release();
  expect(refusalOf(folder).code).toBe('STORE_IN_USE');
  second.release();
});

test('the file names the process only once that is asked for, and stays behind', async () => {
  const path = join(folder, lockName);
  await writeFile(path, 'as it was');
  const lock = acquireFolderLock(folder);
  expect(await readFile(path, 'utf8')).toBe('as it was');
  lock.writeProcessId();
  lock.release();
  expect(await readFile(path, 'utf8')).toBe(`${process.pid}\n`);
});

test('a process that is gone is not named as the holder', async () => {
  const { pid } = spawnSync('true');
  const lock = acquireFolderLock(folder);
  await writeFile(join(folder, lockName), `${pid}\n`);
  expect(refusalOf(folder).message).toContain('locked by another process,');
  lock.release();
});

describe('holding a folder for reading', () => {
  test('makes no file if there is none', async () => {
    holdFolderReadOnly(folder).release();
    expect(await readdir(folder)).toEqual([]);
  });

  test('changes nothing, lets other readers in and keeps servers out until it is released', async () => {
    const path = join(folder, lockName);
    await writeFile(path, 'as it was');
    await chmod(path, 0o444);
    const holds = [holdFolderReadOnly(folder), holdFolderReadOnly(folder)];
    expect(refusalOf(folder).code).toBe('STORE_IN_USE');
    expect(await readFile(path, 'utf8')).toBe('as it was');
    for (const one of holds) one.release();
    acquireFolderLock(folder).release();
  });

  test('is refused while a server has it', () => {
    const lock = acquireFolderLock(folder);
    expect(() => holdFolderReadOnly(folder)).toThrow(
      expect.objectContaining({ code: 'STORE_IN_USE' }),
    );
    lock.release();
    holdFolderReadOnly(folder).release();
  });
});

test('without flock, the error names its package, and nothing is locked', () => {
  vi.stubEnv('PATH', folder);
  const refusal = refusalOf(folder);
  expect(refusal.code).toBe('STORE_INACCESSIBLE');
  expect(refusal.message).toContain('util-linux');
  vi.unstubAllEnvs();
  acquireFolderLock(folder).release();
});

test('a LOCK that cannot be opened is named', async () => {
  await mkdir(join(folder, lockName));
  const refusal = refusalOf(folder);
  expect(refusal.code).toBe('STORE_INACCESSIBLE');
  expect(refusal.message).toContain(join(folder, lockName));
});

const immutable = spawnSync('chattr', ['-V']).error === undefined && process.getuid?.() === 0;

// Mode bits do not stop root. Only root may set the immutable flag.
test.skipIf(!immutable)(
  'a read-only folder is inaccessible (needs root and chattr)',
  ({ skip }) => {
    const set = spawnSync('chattr', ['+i', folder]);
    if (set.status !== 0) skip('this file system has no immutable flag');
    try {
      expect(refusalOf(folder).code).toBe('STORE_INACCESSIBLE');
    } finally {
      spawnSync('chattr', ['-i', folder]);
    }
  },
);
