// Takes a backup from a running server into a file. It is written under a temporary name, made
// durable and proved, and only then has its name; whatever fails, nothing is left.
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { temporarySuffix } from '../storage/file-names.ts';
import { writeFully, type OpenFile } from '../storage/file-system.ts';
import { nodeFileSystem } from '../storage/node-file-system.ts';
import { meteredFileSystem } from '../tools/metered-file-system.ts';
import type { Progress } from '../tools/progress.ts';
import { BackupReader } from '../storage/backup-reader.ts';
import type { BackupRequest } from './backup-request.ts';
import { usageError } from './command-error.ts';
import { failure, fetchBackup, reasonOf, type Body } from './fetch-backup.ts';
import { stopSignals } from './process-signals.ts';
import { standardErrorProgress } from './standard-error-progress.ts';
import { standardOutput } from './standard-output.ts';

/** While it is proved, what signals have come is looked at this often. */
const blocksATurn = 16;

export async function downloadBackup(request: BackupRequest, path: string): Promise<void> {
  if (existsSync(path)) throw usageError(`--to ${path} exists already; name a file that does not`);
  const temporary = path + temporarySuffix;
  if (existsSync(temporary)) {
    throw failure(`${temporary} exists: remove it, unless another backup is being written to it`);
  }
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  // Each of them, as often as it comes: npm hands a Ctrl-C on that has come already.
  for (const signal of stopSignals) process.on(signal, interrupt);
  try {
    const { signal } = interrupted;
    const body = await fetchBackup(request, signal);
    standardOutput.print(`${await keep(body, { temporary, path, signal })}\n`);
  } catch (error) {
    throw interrupted.signal.aborted ? failure('interrupted; nothing is left') : error;
  } finally {
    for (const signal of stopSignals) process.off(signal, interrupt);
  }
}

interface Keeping {
  readonly temporary: string;
  readonly path: string;
  readonly signal: AbortSignal;
}

/** @returns what is said of it */
async function keep(body: Body, { temporary, path, signal }: Keeping): Promise<string> {
  const progress = standardErrorProgress();
  const file = nodeFileSystem.create(temporary);
  try {
    const bytes = await write(body, file, progress);
    const entries = await prove(temporary, progress, signal);
    nodeFileSystem.rename(temporary, path);
    nodeFileSystem.syncFolder(dirname(path));
    return `${path} is a whole backup: ${entries} entries, ${bytes} bytes`;
  } catch (error) {
    if (existsSync(temporary)) nodeFileSystem.remove(temporary);
    throw error;
  }
}

/** @returns how many bytes there are, durable */
async function write(body: Body, file: OpenFile, progress: Progress): Promise<number> {
  let bytes = 0;
  try {
    progress.begin('taking the backup', undefined);
    for await (const piece of incomplete(body)) {
      writeFully(file, piece, bytes);
      bytes += piece.length;
      progress.advance(piece.length);
    }
    file.sync();
    return bytes;
  } finally {
    file.close();
  }
}

/** Only what goes wrong with the connection is told so, not what goes wrong with the disk. */
async function* incomplete(body: Body): Body {
  try {
    for await (const piece of body) yield piece;
  } catch (error) {
    const detail = `the backup is incomplete: the connection was cut (${reasonOf(error)})`;
    throw failure(detail, error);
  }
}

/** As it stands on disk. A server that gave it up midway is noticed here at the latest. */
async function prove(path: string, progress: Progress, signal: AbortSignal): Promise<number> {
  const fileSystem = meteredFileSystem(nodeFileSystem, (bytes) => progress.advance(bytes));
  const file = fileSystem.openReadOnly(path);
  try {
    progress.begin('proving the backup', file.size());
    const reader = new BackupReader(file, 'the backup');
    let blocks = 0;
    for (const block of reader.blocks()) {
      void block;
      if (++blocks % blocksATurn !== 0) continue;
      await nextTurn();
      signal.throwIfAborted();
    }
    await nextTurn();
    signal.throwIfAborted();
    return reader.entries;
  } catch (error) {
    throw failure(error instanceof Error ? error.message : String(error), error);
  } finally {
    file.close();
  }
}
