// Opens the backup that a restore reads. A restore can read a file twice, but not standard input or
// another pipe. Knows no backup format.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { isatty } from 'node:tty';
import { systemErrorCode } from '../base/errors.ts';
import type { ReadableFile } from '../storage/file-system.ts';
import { nodeFileSystem } from '../storage/node-file-system.ts';
import { SequentialFile } from '../storage/sequential-file.ts';
import { CommandError, exitCodes, usageError } from './command-error.ts';

export interface BackupSource {
  readonly file: ReadableFile;
  /** For errors. */
  readonly name: string;
  readonly canBeReadTwice: boolean;
}

const standardInput = 0;
/** A socket cannot be opened by any of these names, so its descriptor is read instead. */
const namesOfStandardInput: ReadonlySet<string> = new Set([
  '-',
  '/dev/stdin',
  '/dev/fd/0',
  '/proc/self/fd/0',
]);

/**
 * @param path an absolute one, or `-`
 * @throws CommandError; system errors
 */
export function openBackupSource(path: string): BackupSource {
  const isStandardInput = namesOfStandardInput.has(path);
  const name = path === '-' ? 'standard input' : path;
  if (isStandardInput && isatty(standardInput)) {
    throw usageError('standard input is a terminal; allowed: a pipe or a file that holds a backup');
  }
  const descriptor = isStandardInput ? standardInput : open(path);
  const facts = fstatSync(descriptor);
  const close = (): void => {
    if (!isStandardInput) closeSync(descriptor);
  };
  if (facts.isDirectory()) {
    close();
    throw new CommandError(exitCodes.failed, `${name} is a folder; allowed: a file or a pipe`);
  }
  if (!facts.isFile() && !facts.isBlockDevice()) {
    const file = new SequentialFile((target) => readNext(descriptor, target), close);
    return { file, name, canBeReadTwice: false };
  }
  close();
  const file = nodeFileSystem.openReadOnly(isStandardInput ? '/proc/self/fd/0' : path);
  return { file, name, canBeReadTwice: true };
}

function open(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    const why = systemErrorCode(error) ?? String(error);
    throw new CommandError(exitCodes.failed, `the backup ${path} cannot be read (${why})`, error);
  }
}

const pollMs = 10;
const sleepCell = new Int32Array(new SharedArrayBuffer(4));

/** Waits for bytes, even if another process that shares the pipe has made it non-blocking. */
function readNext(descriptor: number, target: Uint8Array): number {
  for (;;) {
    try {
      return readSync(descriptor, target, 0, target.length, null);
    } catch (error) {
      if (systemErrorCode(error) !== 'EAGAIN') throw error;
      Atomics.wait(sleepCell, 0, 0, pollMs);
    }
  }
}
