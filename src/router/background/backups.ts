// Owns the one backup that may run at a time. All shards make a consistent cut at one moment. A
// thread of the backup makes the pieces, as fast as the reader takes them. Never looks into what a
// cut holds.
import { StoreError } from '../../base/errors.ts';
import { overloaded } from '../../base/overloaded.ts';
import type { ShardLocation } from '../../base/shard-location.ts';
import { valueOfTask, type BackupTasks, type BeginBackupTask } from '../../protocol/shard-task.ts';
import type { Sequencer } from '../sequencer.ts';
import type { TaskThread } from '../threads/task-thread.ts';
import type { CompactionScheduler } from './compaction-scheduler.ts';
import { WatchedThread } from '../threads/watched-thread.ts';

const retryAfterMs = 10_000;
/** No time limit: a piece may take long to merge, and only the backup's reader waits for it. */
const atLeisure = { bytes: Infinity };

type Piece = IteratorResult<Uint8Array, undefined>;

export interface BackupsOptions {
  readonly sequencer: Sequencer;
  readonly compactions: CompactionScheduler;
  /** One location for each shard, in order of their numbers. */
  readonly locations: readonly ShardLocation[];
  readonly timestamp: () => number;
  /** The machine's clock, Unix milliseconds. */
  readonly wallMs: () => number;
  /** Starts a thread for one backup. */
  readonly newThread: () => TaskThread<BackupTasks>;
}

export class Backups {
  readonly #options: BackupsOptions;
  #running: BackupPieces | undefined;
  #isBeginning = false;

  constructor(options: BackupsOptions) {
    this.#options = options;
  }

  /**
   * @returns the pieces. The caller reads them to the end, or calls `return`, before the next backup.
   * @throws StoreError OVERLOADED if a backup is running, or the error of a shard that does not
   *   serve; any error of the thread
   */
  async take(): Promise<AsyncIterableIterator<Uint8Array>> {
    if (this.#isBeginning || this.#running !== undefined) throw oneIsRunning();
    this.#isBeginning = true;
    try {
      // A compaction could replace and remove a file of the cut before the thread has opened it.
      return await this.#options.compactions.whileHeld(async () => this.#begin(await this.#cut()));
    } finally {
      this.#isBeginning = false;
    }
  }

  /**
   * Gives up the backup if its thread hangs: compactions wait until the thread has opened its
   * files.
   *
   * @param elapsedMs at most the time since the last tick; time in which the process was stopped
   *   does not count
   */
  tick(elapsedMs: number): void {
    this.#running?.tick(elapsedMs);
  }

  /** Aborts the running backup: its reader gets an error, never an early end. */
  async close(): Promise<void> {
    await this.#running?.abort();
  }

  /** Takes a consistent cut: all shards seal their data at one moment. */
  async #cut(): Promise<BeginBackupTask> {
    const { sequencer, locations, timestamp, wallMs } = this.#options;
    const cuts = await sequencer.askAll({ op: 'cut' });
    const parts = locations.map((location, shard) => {
      const cut = cuts[shard];
      if (cut?.kind !== 'cut') throw new Error(`a cut was answered by a ${cut?.kind}`);
      return { ...location, input: cut.parcel };
    });
    return { parts, at: timestamp(), createdAt: wallMs() };
  }

  async #begin(task: BeginBackupTask): Promise<BackupPieces> {
    const pieces = new BackupPieces(this.#options.newThread(), () => {
      this.#running = undefined;
    });
    this.#running = pieces;
    await pieces.begin(task);
    return pieces;
  }
}

function oneIsRunning(): StoreError {
  const detail = 'A backup is being taken already; one at a time.';
  return overloaded(detail, { retryAfterMs });
}

class BackupPieces implements AsyncIterableIterator<Uint8Array> {
  readonly #thread: WatchedThread<BackupTasks>;
  readonly #onEnd: () => void;
  #ended: Promise<void> | undefined;
  #isWhole = false;

  constructor(thread: TaskThread<BackupTasks>, onEnd: () => void) {
    this.#thread = new WatchedThread(thread);
    this.#onEnd = onEnd;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async begin(task: BeginBackupTask): Promise<void> {
    await this.#orEnd(async () => valueOfTask(await this.#thread.run('begin', task)));
  }

  tick(elapsedMs: number): void {
    if (this.#thread.tick(elapsedMs)) void this.abort();
  }

  async next(): Promise<Piece> {
    if (this.#isWhole) return { done: true, value: undefined };
    const value = await this.#orEnd(async () => {
      if (this.#ended !== undefined) throw wasEnded();
      return valueOfTask(await this.#thread.run('next', undefined, atLeisure));
    });
    if (value !== undefined) return { done: false, value };
    this.#isWhole = true;
    await this.abort();
    return { done: true, value };
  }

  /** A reader that stops before the end calls this. */
  async return(): Promise<Piece> {
    await this.abort();
    return { done: true, value: undefined };
  }

  /** Ends the thread, which closes all open files. */
  abort(): Promise<void> {
    this.#ended ??= this.#thread.destroy().finally(this.#onEnd);
    return this.#ended;
  }

  async #orEnd<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await this.abort();
      throw error;
    }
  }
}

function wasEnded(): StoreError {
  return new StoreError('SHUTTING_DOWN', 'The backup was ended before it was whole.');
}
