// Takes a backup from a running server into a file. It is written under a temporary name, made
// durable and proved, and only then has its name; whatever fails, nothing is left.
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemErrorCode } from '../base/errors.ts';
import { temporarySuffix } from '../storage/file-names.ts';
import { writeFully, type OpenFile } from '../storage/file-system.ts';
import { nodeFileSystem } from '../storage/node-file-system.ts';
import { meteredFileSystem } from '../tools/metered-file-system.ts';
import type { Progress } from '../tools/progress.ts';
import { proveBackup } from '../tools/restore.ts';
import { CommandError, exitCodes, usageError } from './command-error.ts';
import { standardErrorProgress } from './standard-error-progress.ts';
import { standardOutput } from './standard-output.ts';

const mediaType = 'application/x-ndjson';
const stopSignals = ['SIGINT', 'SIGTERM'] as const;

export async function downloadBackup(url: URL, path: string): Promise<void> {
  if (existsSync(path)) throw usageError(`--to ${path} exists already; name a file that does not`);
  const temporary = path + temporarySuffix;
  if (existsSync(temporary)) {
    throw failure(`${temporary} exists: remove it, unless another backup is being written to it`);
  }
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  for (const signal of stopSignals) process.once(signal, interrupt);
  try {
    const body = await ask(new URL('v1/backup', withSlash(url)), interrupted.signal);
    standardOutput.print(`${await keep(body, temporary, path)}\n`);
  } catch (error) {
    throw interrupted.signal.aborted ? failure('interrupted; nothing is left') : error;
  } finally {
    for (const signal of stopSignals) process.off(signal, interrupt);
  }
}

/** @returns what is said of it */
async function keep(body: Body, temporary: string, path: string): Promise<string> {
  const progress = standardErrorProgress();
  const file = nodeFileSystem.create(temporary);
  try {
    const bytes = await write(body, file, progress);
    const entries = prove(temporary, progress);
    nodeFileSystem.rename(temporary, path);
    nodeFileSystem.syncFolder(dirname(path));
    return `${path} is a whole backup: ${entries} entries, ${bytes} bytes`;
  } catch (error) {
    if (existsSync(temporary)) nodeFileSystem.remove(temporary);
    throw error;
  }
}

type Body = AsyncIterable<Uint8Array>;

async function ask(url: URL, signal: AbortSignal): Promise<Body> {
  const response = await fetch(url, { signal }).catch((error: unknown) => {
    throw failure(`${url.origin} can not be reached (${reasonOf(error)})`, error);
  });
  const { status, body, headers } = response;
  if (status === 200 && body !== null && headers.get('content-type') === mediaType) return body;
  const problem = await problemOf(response);
  if (problem !== undefined) throw failure(`${url.origin} refused with ${status}: ${problem}`);
  throw failure(`${url.href} answered ${status}, but not as a Holdfast server that takes backups`);
}

/** The detail of a problem reply, where it is one. */
async function problemOf(response: Response): Promise<string | undefined> {
  if (response.headers.get('content-type') !== 'application/problem+json') return undefined;
  const problem = (await response.json().catch(() => undefined)) as
    { detail?: unknown } | undefined;
  return typeof problem?.detail === 'string' ? problem.detail : undefined;
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
function prove(path: string, progress: Progress): number {
  const fileSystem = meteredFileSystem(nodeFileSystem, (bytes) => progress.advance(bytes));
  const file = fileSystem.openReadOnly(path);
  try {
    progress.begin('proving the backup', file.size());
    return proveBackup({ file, name: 'the backup' });
  } catch (error) {
    throw failure(error instanceof Error ? error.message : String(error), error);
  } finally {
    file.close();
  }
}

function withSlash(url: URL): URL {
  return url.pathname.endsWith('/') ? url : new URL(`${url.pathname}/`, url);
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return systemErrorCode(cause) ?? (cause instanceof Error ? cause.message : String(cause));
}

function failure(message: string, cause?: unknown): CommandError {
  return new CommandError(exitCodes.failed, message, cause);
}
