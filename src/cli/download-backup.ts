// Takes a backup from a running server into a file. Writes it under a temporary name, makes it
// durable, proves it, and only then gives it its name. On any error no file is left.
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isDiskFull } from '../base/errors.ts';
import { temporarySuffix } from '../storage/file-names.ts';
import { writeFully, type OpenFile } from '../storage/file-system.ts';
import { nodeFileSystem } from '../storage/node-file-system.ts';
import { meteredFileSystem } from '../tools/metered-file-system.ts';
import type { Progress } from '../tools/progress.ts';
import { BackupReader } from '../storage/backup-reader.ts';
import { usageError } from './command-error.ts';
import { failure, fetchBackup, reasonOf, type Body } from './fetch-backup.ts';
import { stopSignals } from './process-signals.ts';
import type { ServerRequest } from './server-request.ts';
import { standardErrorProgress } from './standard-error-progress.ts';
import { standardOutput } from './standard-output.ts';

/** Blocks that are proved between two checks for signals. */
const blocksATurn = 16;

export interface BackupOrder {
  readonly request: ServerRequest;
  /** File to write. */
  readonly path: string;
  /** The only namespace to back up; undefined: all of them. */
  readonly namespace: string | undefined;
}

export async function downloadBackup({ request, path, namespace }: BackupOrder): Promise<void> {
  if (existsSync(path)) throw usageError(`--to ${path} exists already; name a file that does not`);
  const temporary = path + temporarySuffix;
  if (existsSync(temporary)) {
    throw failure(`${temporary} exists: remove it, unless another backup is being written to it`);
  }
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  // Not `once`: npm passes a Ctrl-C on to a program that has had it from the terminal already.
  for (const signal of stopSignals) process.on(signal, interrupt);
  try {
    const { signal } = interrupted;
    const body = await fetchBackup(request, namespace, signal);
    const line = await keep(body, { temporary, path, namespace, signal });
    standardOutput.print(`${line}\n`);
  } catch (error) {
    throw interrupted.signal.aborted ? failure('interrupted; nothing is left') : error;
  } finally {
    for (const signal of stopSignals) process.off(signal, interrupt);
  }
}

interface Keeping extends Pick<BackupOrder, 'path' | 'namespace'> {
  readonly temporary: string;
  readonly signal: AbortSignal;
}

/** @returns the line that reports the backup */
async function keep(body: Body, keeping: Keeping): Promise<string> {
  const { temporary, path, namespace } = keeping;
  const progress = standardErrorProgress();
  const file = create(temporary, path);
  try {
    const bytes = await write(body, file, progress);
    const entries = await prove(keeping, progress);
    nodeFileSystem.rename(temporary, path);
    nodeFileSystem.syncFolder(dirname(path));
    const scope = namespace === undefined ? '' : ` of the namespace ${namespace}`;
    return `${path} is a whole backup${scope}: ${entries} entries, ${bytes} bytes`;
  } catch (error) {
    if (existsSync(temporary)) nodeFileSystem.remove(temporary);
    if (!isDiskFull(error)) throw error;
    const detail = `no room on disk in ${dirname(path)} for the backup: what was written is removed`;
    throw failure(`${detail}, and the server's store is unchanged`, error);
  }
}

function create(temporary: string, path: string): OpenFile {
  try {
    return nodeFileSystem.create(temporary);
  } catch (error) {
    throw failure(`--to ${path} cannot be written (${reasonOf(error)})`, error);
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

/** Reports an error of the connection as an incomplete backup. Passes errors of the disk on. */
async function* incomplete(body: Body): Body {
  try {
    for await (const piece of body) yield piece;
  } catch (error) {
    const detail = `the backup is incomplete: the connection was cut (${reasonOf(error)})`;
    throw failure(detail, error);
  }
}

/** Proves the file on disk. Notices at the latest here if the server gave up midway. */
async function prove(
  { temporary, namespace, signal }: Keeping,
  progress: Progress,
): Promise<number> {
  const fileSystem = meteredFileSystem(nodeFileSystem, (bytes) => progress.advance(bytes));
  const file = fileSystem.openReadOnly(temporary);
  try {
    progress.begin('proving the backup', file.size());
    const reader = new BackupReader(file, 'the backup');
    const { namespace: sent } = reader.header;
    if (sent !== namespace) {
      throw failure(`the server sent a backup of ${scopeOf(sent)}, not of ${scopeOf(namespace)}`);
    }
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

function scopeOf(namespace: string | undefined): string {
  return namespace === undefined ? 'the whole store' : `the namespace ${namespace}`;
}
