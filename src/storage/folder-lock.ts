// Owns the lock that keeps a second process out of a data folder: an flock on the file LOCK. The
// lock belongs to our open file, so the kernel drops it however this process ends, even by kill -9.
// The process id in the file is for the operator; no code relies on it.
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { StoreError, systemErrorCode } from '../base/errors.ts';
import { lockName } from './file-names.ts';

export interface FolderHold {
  /** Lets the next process in. Does nothing the second time. */
  release(): void;
}

export interface FolderLock extends FolderHold {
  /** Once the folder is really in use: a start that is refused changes no file. */
  writeProcessId(): void;
}

/**
 * @param dataDir a folder that exists
 * @throws StoreError STORE_IN_USE if another process (or this one) holds the lock,
 *   STORE_INACCESSIBLE if the file cannot be locked at all
 */
export function acquireFolderLock(dataDir: string): FolderLock {
  const path = join(dataDir, lockName);
  const file = openLockFile(path, constants.O_RDWR | constants.O_CREAT);
  return { ...hold(file, path, 'exclusive'), writeProcessId: () => writeProcessId(file) };
}

/**
 * Keeps servers out while a folder is read, on a read-only file system too: makes and writes
 * nothing. Several readers may hold it at once. A folder without the file is not in use.
 *
 * @throws as `acquireFolderLock` does
 */
export function holdFolderReadOnly(dataDir: string): FolderHold {
  const path = join(dataDir, lockName);
  if (!existsSync(path)) return { release: () => undefined };
  return hold(openLockFile(path, constants.O_RDONLY), path, 'shared');
}

type LockKind = 'shared' | 'exclusive';

function hold(file: number, path: string, kind: LockKind): FolderHold {
  try {
    lockOpenFile(file, path, kind);
  } catch (error) {
    closeSync(file);
    throw error;
  }
  let held = true;
  return {
    release: () => {
      if (!held) return;
      held = false;
      // Never removed: a process that has opened the old file would then lock a file of its own.
      closeSync(file);
    },
  };
}

function openLockFile(path: string, flags: number): number {
  try {
    return openSync(path, flags, 0o644);
  } catch (error) {
    const why = systemErrorCode(error) ?? String(error);
    throw inaccessible(`${path} cannot be opened (${why})`, error);
  }
}

/**
 * Node has no flock, but flock(1) locks an open file that it inherits, and since the lock belongs
 * to the open file description that it shares with us, it outlives that short process.
 */
function lockOpenFile(file: number, path: string, kind: LockKind): void {
  const { error, status, signal } = spawnSync('flock', [`--${kind}`, '-n', '3'], {
    stdio: ['ignore', 'ignore', 'ignore', file],
  });
  if (systemErrorCode(error) === 'ENOENT') {
    const detail =
      'flock is not installed (package util-linux), and no store opens without its lock';
    throw inaccessible(detail, error);
  }
  if (error !== undefined) throw inaccessible(`flock cannot be run: ${error.message}`, error);
  if (status === 0) return;
  if (status === 1) throw new StoreError('STORE_IN_USE', `${path} is locked by ${holderOf(path)}`);
  throw inaccessible(`flock failed on ${path} (${signal ?? `exit code ${status}`})`);
}

function holderOf(path: string): string {
  const processId = readFileSync(path, 'utf8').trim();
  const holder = isAlive(processId) ? `process ${processId}` : 'another process';
  return `${holder}, which holds this data folder; stop it first, or use another folder`;
}

/** What is not yet overwritten may name the holder before. */
function isAlive(processId: string): boolean {
  if (!/^[1-9]\d*$/.test(processId)) return false;
  try {
    return process.kill(Number(processId), 0);
  } catch (error) {
    return systemErrorCode(error) === 'EPERM';
  }
}

function writeProcessId(file: number): void {
  try {
    ftruncateSync(file, 0);
    writeSync(file, `${process.pid}\n`, 0);
  } catch {
    // A full disk must not keep a store from serving reads; the lock itself is held.
  }
}

function inaccessible(detail: string, cause?: unknown): StoreError {
  return new StoreError('STORE_INACCESSIBLE', detail, {}, cause);
}
