// Restores one namespace of a backup into a running server. Proves the whole backup first. Writes only
// into a namespace without entries, unless the operator replaces what is there. Versions are not kept:
// the server gives new ones.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemClock } from '../base/clock.ts';
import { BackupReader } from '../storage/backup-reader.ts';
import type { ReadableFile } from '../storage/file-system.ts';
import type { EntryRecord } from '../storage/record.ts';
import { meteredFile } from '../tools/metered-file-system.ts';
import type { Progress } from '../tools/progress.ts';
import { openBackupSource } from './backup-source.ts';
import { CommandError, exitCodeOf, exitCodes, usageError } from './command-error.ts';
import { PatientClient } from './patient-client.ts';
import { stopSignals } from './process-signals.ts';
import { batchesOf } from './restore-batches.ts';
import { RefusedRequest, ServerNamespace } from './server-namespace.ts';
import type { ServerRequest } from './server-request.ts';
import { standardErrorProgress } from './standard-error-progress.ts';
import { standardOutput } from './standard-output.ts';
import { standardError } from './standard-streams.ts';
import { unknownNamespace } from './unknown-namespace.ts';

export interface NamespaceRestore {
  /** An absolute path, or `-`. */
  readonly path: string;
  readonly request: ServerRequest;
  /** The namespace in the backup. */
  readonly from: string;
  /** The namespace in the server. */
  readonly to: string;
  /** True: entries that are there are deleted first. */
  readonly replace: boolean;
}

export async function restoreNamespace(restore: NamespaceRestore): Promise<void> {
  const { file, name, canBeReadTwice } = openBackupSource(restore.path);
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  // Not `once`: npm passes a Ctrl-C on to a program that has had it from the terminal already.
  for (const signal of stopSignals) process.on(signal, interrupt);
  try {
    if (!canBeReadTwice) {
      throw usageError(`${name} is a pipe, which can be read only once; allowed: a file, which the \
command proves before it writes anything`);
    }
    const work = new Work(restore, file, name, interrupted.signal);
    standardOutput.print(`${await work.run()}\n`);
  } finally {
    for (const signal of stopSignals) process.off(signal, interrupt);
    file.close();
  }
}

/** Blocks that are proved between two checks for signals. */
const blocksATurn = 16;

class Work {
  readonly #restore: NamespaceRestore;
  readonly #file: ReadableFile;
  readonly #name: string;
  readonly #signal: AbortSignal;
  readonly #progress: Progress = standardErrorProgress();
  readonly #client: PatientClient;
  readonly #target: ServerNamespace;
  /** True once a request that writes may have taken effect. */
  #mayHaveWritten = false;
  /** The fate of the earlier entries: none, if they are there. */
  #earlier: 'are deleted' | 'may be deleted' | undefined;
  #written = 0;
  #expired = 0;

  /** @param name of the backup, for errors */
  constructor(restore: NamespaceRestore, file: ReadableFile, name: string, signal: AbortSignal) {
    const { request, to } = restore;
    this.#restore = restore;
    this.#file = meteredFile(file, (bytes) => this.#progress.advance(bytes));
    this.#name = name;
    this.#signal = signal;
    this.#client = new PatientClient({
      request,
      signal,
      wallMs: () => systemClock.wallMs(),
      tell: (line) => standardError.write(`${line}\n`),
    });
    this.#target = new ServerNamespace(this.#client, request.url.origin, to);
  }

  /** @returns the line that reports the restore */
  async run(): Promise<string> {
    let entries: number | undefined;
    try {
      entries = await this.#prove();
      await this.#makeRoom();
      await this.#write();
      return this.#report();
    } catch (error) {
      const reason = this.#signal.aborted ? 'interrupted' : reasonOf(error);
      throw new CommandError(exitCodeOf(error), `${reason}. ${this.#state(entries)}`, error);
    }
  }

  /** @returns the number of entries that the backup has in the namespace */
  async #prove(): Promise<number> {
    const { from } = this.#restore;
    this.#progress.begin('proving the backup', this.#file.size());
    const reader = new BackupReader(this.#file, this.#name);
    const found = new Set<string>();
    let [blocks, count] = [0, 0];
    for (const { namespace, entries } of reader.blocks()) {
      found.add(namespace);
      if (namespace === from) count += entries.length;
      if (++blocks % blocksATurn === 0) await this.#pause();
    }
    await this.#pause();
    // A backup of the namespace alone says by its header that there are none.
    if (count > 0 || reader.header.namespace === from) return count;
    throw unknownNamespace(this.#name, from, [...found]);
  }

  async #pause(): Promise<void> {
    await nextTurn();
    this.#signal.throwIfAborted();
  }

  async #makeRoom(): Promise<void> {
    const { to, replace, request } = this.#restore;
    if (!(await this.#target.hasEntries())) return;
    if (!replace) {
      const place = `the namespace ${to} of ${request.url.origin}`;
      const allowed = 'allowed: one without entries, or --replace, which deletes them first';
      throw new CommandError(exitCodes.refused, `${place} has entries; ${allowed}`);
    }
    await this.#change(() => {
      this.#earlier = 'may be deleted';
      return this.#target.empty();
    });
    this.#earlier = 'are deleted';
  }

  async #write(): Promise<void> {
    this.#progress.begin('restoring', this.#file.size());
    for (const batch of batchesOf(this.#entries())) {
      await this.#change(() => this.#target.put(batch));
      this.#written += batch.length;
      this.#signal.throwIfAborted();
    }
  }

  async #change(write: () => Promise<void>): Promise<void> {
    const [mayHaveWritten, earlier] = [this.#mayHaveWritten, this.#earlier];
    this.#mayHaveWritten = true;
    try {
      await write();
    } catch (error) {
      if (error instanceof RefusedRequest && !mayHaveWritten) {
        [this.#mayHaveWritten, this.#earlier] = [mayHaveWritten, earlier];
      }
      throw error;
    }
  }

  /** Those whose deadline has not passed by the server's clock. */
  *#entries(): Generator<EntryRecord, void, void> {
    const { from } = this.#restore;
    for (const { namespace, entries } of new BackupReader(this.#file, this.#name).blocks()) {
      // Blocks are sorted by namespace.
      if (namespace > from) return;
      if (namespace < from) continue;
      for (const entry of entries) {
        if ((entry.expiresAt ?? Infinity) > this.#client.serverMs()) yield entry;
        else this.#expired += 1;
      }
    }
  }

  #report(): string {
    const { to, request } = this.#restore;
    const left = this.#expired === 0 ? '' : `; ${this.#expired} had expired and are left out`;
    const place = `the namespace ${to} of ${request.url.origin}`;
    return `${place} holds the backup now: ${this.#written} entries${left}`;
  }

  /** @param entries the number of entries in the backup; undefined before it is proved */
  #state(entries: number | undefined): string {
    if (!this.#mayHaveWritten) return 'Nothing has been changed';
    const { to } = this.#restore;
    const fate =
      this.#earlier === undefined ? '' : `The earlier entries of ${to} ${this.#earlier}. `;
    return `${fate}At least ${this.#written} of ${entries ?? 0} entries are in ${to} now. To begin \
again, which is safe: run the command with --replace`;
  }
}

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/\.$/, '');
}
