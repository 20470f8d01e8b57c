// Runs one backup at a time in a thread of its own, and hands it out piece by piece, as fast as they
// are taken. How the moment is cut that it shows is the caller's part.
import { StoreError } from '../base/errors.ts';
import { valueOfTask, type BackupTasks, type BeginBackupTask } from '../protocol/shard-task.ts';
import type { TaskThread } from './task-thread.ts';
import { WatchedThread } from './watched-thread.ts';

const retryAfterMs = 10_000;
/** A piece may take long to be merged, and holds nobody up but its reader. */
const atLeisure = { bytes: Infinity };

type Piece = IteratorResult<Uint8Array, undefined>;

export class BackupRunner {
  readonly #newThread: () => TaskThread<BackupTasks>;
  #running: BackupPieces | undefined;
  #isBeginning = false;

  /** @param newThread begins a thread for one backup */
  constructor(newThread: () => TaskThread<BackupTasks>) {
    this.#newThread = newThread;
  }

  /**
   * @param cut says what is backed up; its files must be there until this has returned
   * @returns the pieces; to be read to the end, or ended by `return`, before the next one is begun
   * @throws StoreError OVERLOADED where one is running; whatever `cut` or the thread fails with
   */
  async begin(cut: () => Promise<BeginBackupTask>): Promise<AsyncIterableIterator<Uint8Array>> {
    if (this.#isBeginning || this.#running !== undefined) throw oneIsRunning();
    this.#isBeginning = true;
    try {
      const task = await cut();
      const pieces = new BackupPieces(this.#newThread(), () => {
        this.#running = undefined;
      });
      this.#running = pieces;
      await pieces.begin(task);
      return pieces;
    } finally {
      this.#isBeginning = false;
    }
  }

  /**
   * Gives up one whose thread hangs before it has its files open: compactions wait for that.
   *
   * @param elapsedMs since the last tick, at most, as far as the process was running
   */
  tick(elapsedMs: number): void {
    this.#running?.tick(elapsedMs);
  }

  /** Ends the one that is running: whoever reads it gets an error, never an early end. */
  async close(): Promise<void> {
    await this.#running?.abort();
  }
}

function oneIsRunning(): StoreError {
  const detail = 'A backup is being taken already; one at a time.';
  return new StoreError('OVERLOADED', detail, { retryable: true, retryAfterMs });
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

  /** For a reader that stops before the end. */
  async return(): Promise<Piece> {
    await this.abort();
    return { done: true, value: undefined };
  }

  /** The thread goes, and with it all open files. */
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
