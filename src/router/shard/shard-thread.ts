// One life of a shard's thread: its tasks as typed calls, each with its time limit. Never starts
// another thread after a death: shard-lifecycle.ts does.
import type { FsyncMode } from '../../base/fsync-mode.ts';
import type { ShardLocation } from '../../base/shard-location.ts';
import { SharedEntries } from '../../memory/shared-entries.ts';
import { encodeBatch } from '../../protocol/batch-frame.ts';
import { heapTooSmall, isOutOfMemory } from '../../protocol/heap-too-small.ts';
import type { Parcel } from '../../protocol/parcel.ts';
import { decodeReply } from '../../protocol/reply-frame.ts';
import type {
  BatchReply,
  ShardOperation,
  ShardReport,
  ShardResult,
} from '../../protocol/shard-operation.ts';
import {
  valueOfTask,
  type OpenedReport,
  type ShardTasks,
  type TaskAnswer,
} from '../../protocol/shard-task.ts';
import type { TaskThread } from '../threads/task-thread.ts';
import { WatchedThread } from '../threads/watched-thread.ts';

export interface ShardThreadOptions {
  readonly location: ShardLocation;
  readonly fsync: FsyncMode;
  /** The next timestamp. */
  readonly timestamp: () => number;
}

/** The value that a task gives if it does not fail. */
export type TaskValue<Name extends keyof ShardTasks> =
  ShardTasks[Name][1] extends TaskAnswer<infer Value> ? Value : never;

/**
 * Tasks that run in parallel to batches. Their time limit depends on the shard's bytes in memory and in
 * journals.
 */
export type ParallelTask =
  'sync' | 'beginCompaction' | 'installSnapshot' | 'abortCompaction' | 'mend';

/** No time limit. */
const unlimited = { bytes: Infinity };

/**
 * A call rejects with an Error if the thread dies: the fate of its task is unknown then. A call
 * rejects with a StoreError if its task failed in an expected way.
 */
export class ShardThread {
  /** The entries in the thread's memory, as they are after each batch. */
  readonly entries = new SharedEntries();
  readonly #options: ShardThreadOptions;
  readonly #thread: WatchedThread<ShardTasks>;
  readonly #known: ShardReport | undefined;

  /**
   * @param thread one that has opened nothing yet
   * @param known the last report of the life before; undefined in the first life
   */
  constructor(
    thread: TaskThread<ShardTasks>,
    known: ShardReport | undefined,
    options: ShardThreadOptions,
  ) {
    this.#options = options;
    this.#known = known;
    this.#thread = new WatchedThread(thread);
  }

  /** True once the thread has counted as hung. */
  get hasHung(): boolean {
    return this.#thread.hasHung;
  }

  /**
   * Reads and verifies the shard's files; changes nothing.
   *
   * @throws StoreError STORE_DAMAGED, STORE_MISMATCH, STORE_INACCESSIBLE
   */
  async open(): Promise<OpenedReport> {
    const { location, fsync } = this.#options;
    try {
      return valueOfTask(await this.#thread.run('open', { ...location, fsync }, this.#toOpen));
    } catch (error) {
      throw isOutOfMemory(error) ? heapTooSmall(location.name) : error;
    }
  }

  /** The outcomes that the opened shard has recorded of these transactions: true if committed. */
  async outcomesOf(transactions: readonly string[]): Promise<ReadonlyMap<string, boolean>> {
    return valueOfTask(await this.#thread.run('outcomesOf', transactions, unlimited));
  }

  /** Makes the recovered state durable, which may be in the page cache alone. */
  async secure(): Promise<void> {
    valueOfTask(await this.#thread.run('secure', undefined, this.#toOpen));
  }

  /**
   * Brings the files into order; the shard serves from then on.
   *
   * @param outcomes of transactions in doubt: true if committed
   * @param inFlight ids of transactions that may stay in doubt
   */
  async start(
    outcomes: ReadonlyMap<string, boolean>,
    inFlight: ReadonlySet<string>,
  ): Promise<ShardReport> {
    const task = { timestamp: this.#options.timestamp(), outcomes, inFlight };
    return valueOfTask(await this.#thread.run('start', task, this.#toOpen));
  }

  async batch(operations: readonly ShardOperation[]): Promise<BatchReply<ShardResult>> {
    const frame = encodeBatch({ timestamp: this.#options.timestamp(), operations });
    const answer = await this.#thread.run('batch', frame, { transfer: [frame.buffer] });
    if (answer.news !== undefined) this.entries.hear(answer.news);
    return decodeReply(answer.frame);
  }

  /** Seals the effects of all earlier operations in immutable files, for a reader of the files. */
  async cut(): Promise<Parcel> {
    return valueOfTask(await this.#thread.run('cut', this.#options.timestamp()));
  }

  /** @param report the shard's last report: its sizes decide the time limit */
  async runParallel<Name extends ParallelTask>(
    name: Name,
    task: ShardTasks[Name][0],
    report: ShardReport | undefined,
  ): Promise<TaskValue<Name>> {
    const { bytes = 0, journalBytes = 0 } = report ?? {};
    const answer = await this.#thread.run(name, task, { bytes: bytes + journalBytes });
    return valueOfTask(answer as TaskAnswer<TaskValue<Name>>);
  }

  /** Syncs for the last time and leaves a durable mark. */
  async stop(): Promise<void> {
    valueOfTask(await this.#thread.run('stop', this.#options.timestamp(), unlimited));
  }

  /**
   * @returns whether the thread counts as hung; true once, until the thread answers something again
   */
  tick(elapsedMs: number): boolean {
    return this.#thread.tick(elapsedMs);
  }

  /** Ends the thread at once; resolves when it has exited. */
  destroy(): Promise<void> {
    return this.#thread.destroy();
  }

  /**
   * No time limit on the first open: the size of the data is unknown. The last known size limits
   * later opens.
   */
  get #toOpen(): { readonly bytes: number } {
    if (this.#known === undefined) return unlimited;
    const { bytes, journalBytes, snapshotBytes } = this.#known;
    return { bytes: bytes + journalBytes + snapshotBytes };
  }
}
