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
  /** Releases the lock, so that another process can take it. A second call does nothing. */
  release(): void;
}

export interface FolderLock extends FolderHold {
  /** Call it once the store is in use: a refused start must change no file. */
  writeProcessId(): void;
}

/**
 * @param dataDir a folder that exists
 * @throws StoreError STORE_IN_USE if this process or another one holds the lock; STORE_INACCESSIBLE
 *   if the file cannot be locked at all
 */
export function acquireFolderLock(dataDir: string): FolderLock {
  const path = join(dataDir, lockName);
  const file = openLockFile(path, constants.O_RDWR | constants.O_CREAT);
  return { ...hold(file, path, 'exclusive'), writeProcessId: () => writeProcessId(file) };
}

/**
 * Keeps servers out while a tool reads a folder. Works on a read-only file system, because it
 * writes nothing. Several readers may hold the folder at once. A folder without LOCK is not in use.
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
      // Nothing removes LOCK. Otherwise a process that has the old file open would lock a file of
      // its own.
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
 * Node has no flock(2), so this runs flock(1), which locks the open file that it inherits. The lock
 * belongs to the open file description. This process shares it, so the lock outlives flock(1).
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

/** LOCK may name a dead process: a holder writes its own id only after it has the lock. */
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
    // The lock is held without the process id, too. A store on a full disk must still serve reads.
  }
}

function inaccessible(detail: string, cause?: unknown): StoreError {
  return new StoreError('STORE_INACCESSIBLE', detail, {}, cause);
}
