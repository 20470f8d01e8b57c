// Takes backups, one at a time, in parallel to everything else. Reads each with the real reader. A
// backup may fail only if a fault explains it.
import { defaultNamespace } from '../../src/base/default-namespace.ts';
import { StoreError } from '../../src/base/errors.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import type { Random } from '../support/random.ts';
import type { BackupFile, BackupJudge } from './backup-judge.ts';
import type { ClientHistory } from './client-history.ts';
import { Violation, type RunRecord } from './run-record.ts';
import { entryOfName, purseNamespace } from './entry-names.ts';
import type { LoggedEntry } from './logged-entry.ts';
import type { SimulatedProcess } from './simulated-process.ts';

export interface BackupOptions {
  readonly random: Random;
  /** The names of all entries that may exist. */
  readonly names: readonly string[];
  readonly history: ClientHistory;
  readonly judge: BackupJudge;
  readonly record: RunRecord;
}

export interface TakenBackup extends BackupFile {
  readonly entries: ReadonlyMap<string, LoggedEntry>;
}

const path = '/backup';

/** The scopes of the backups of a run, in turn: all of the store, or one namespace. */
const scopes = [undefined, defaultNamespace, undefined, purseNamespace];

export class BackupClient {
  isBusy = false;
  #begun = 0;
  readonly #options: BackupOptions;

  constructor(options: BackupOptions) {
    this.#options = options;
  }

  /**
   * Takes a backup.
   *
   * @param isPatient whether to take it of the whole store, and to read it to its end in any case
   * @returns undefined if the backup failed because of a fault, or was not read to its end
   */
  async take(process: SimulatedProcess, isPatient = false): Promise<TakenBackup | undefined> {
    const { record } = this.#options;
    this.isBusy = true;
    let taken: TakenBackup | undefined;
    try {
      taken = await this.#take(process, isPatient);
      if (taken !== undefined) record.figures.backups += 1;
    } catch (error) {
      if (error instanceof Violation) {
        record.fail(error.message);
        return undefined;
      }
      record.figures.backupsFailed += 1;
      record.note(`a backup failed: ${String(error)}`);
      const isAllowed = error instanceof Error && isExplained(process, error);
      if (!process.isDead && !isAllowed) {
        record.fail(`a backup failed without need: ${(error as Error).stack}`);
      }
    }
    if (!process.isDead) this.isBusy = false;
    return taken;
  }

  async #take(process: SimulatedProcess, isPatient: boolean): Promise<TakenBackup | undefined> {
    const { random, names, history, judge } = this.#options;
    const { store } = process;
    if (store?.backup === undefined) return undefined;
    const namespace = isPatient ? undefined : scopes[this.#begun++ % scopes.length];
    const isInScope = (name: string): boolean =>
      namespace === undefined || entryOfName(name).namespace === namespace;
    const asked = history.ask('backup', names.filter(isInScope));
    const backup = await store.backup({ namespace });
    asked.answered();
    const isLeft = !isPatient && random() < 0.1;
    const pieces: Uint8Array[] = [];
    for await (const piece of backup) {
      pieces.push(piece);
      if (isLeft) return undefined;
    }
    const fileSystem = new MemoryFileSystem();
    fileSystem.put(path, Buffer.concat(pieces));
    return { fileSystem, path, entries: judge.judge({ fileSystem, path }, asked, namespace) };
  }
}

/** Errors of the disk explain missing files: only they make a shard remove files of a cut too early. */
function isExplained(process: SimulatedProcess, error: Error): boolean {
  const { hadErrors, threadDeaths, hadHang, isClosing } = process;
  const code = error instanceof StoreError ? error.code : undefined;
  if (code === 'STORE_DAMAGED' || code === 'STORE_MISMATCH') return false;
  if (code === 'STORE_INACCESSIBLE' || code === 'DISK_FULL') return hadErrors;
  return code === 'OVERLOADED' || hadErrors || threadDeaths > 0 || hadHang || isClosing;
}
