// The pieces of one backup. Its own thread makes them, as fast as the reader takes them. The thread
// ends with the last piece, with an error, or once the reader stops. Never looks into what a cut
// holds, and knows no other backup.
import { StoreError } from '../../base/errors.ts';
import { valueOfTask, type BackupTasks, type BeginBackupTask } from '../../protocol/shard-task.ts';
import type { TaskThread } from '../threads/task-thread.ts';
import { WatchedThread } from '../threads/watched-thread.ts';

/** No time limit: a piece may take long to merge, and only the backup's reader waits for it. */
const atLeisure = { bytes: Infinity };

type Piece = IteratorResult<Uint8Array, undefined>;

export class BackupPieces implements AsyncIterableIterator<Uint8Array> {
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
