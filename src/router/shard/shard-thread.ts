// One life of a shard's thread: its tasks as typed calls, each with its time limit. A thread that dies
// is not begun again here (shard-lifecycle.ts).
import type { FsyncMode } from '../../base/fsync-mode.ts';
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
  type ShardLocation,
  type ShardTasks,
  type TaskAnswer,
} from '../../protocol/shard-task.ts';
import type { TaskThread } from '../threads/task-thread.ts';
import { WatchedThread } from '../threads/watched-thread.ts';

export interface ShardThreadOptions {
  readonly location: ShardLocation;
  readonly fsync: FsyncMode;
  /** The next stamp. */
  readonly stamp: () => number;
}

type TaskValue<Name extends keyof ShardTasks> =
  ShardTasks[Name][1] extends TaskAnswer<infer Value> ? Value : never;

/** Tasks beside the batches, whose time limit depends on what the shard holds in memory and journals. */
type TaskBeside = 'sync' | 'beginCompaction' | 'installSnapshot' | 'abortCompaction' | 'mend';

/** No time limit. */
const unlimited = { bytes: Infinity };

/**
 * All calls reject with an Error if the thread dies: it cannot be known then what became of the task.
 * They reject with a StoreError if the task failed in an expected way.
 */
export class ShardThread {
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

  /** It has counted as hung. */
  get hasHung(): boolean {
    return this.#thread.hasHung;
  }

  /**
   * Reads and proves the shard's files; changes nothing.
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

  /** Of these transactions, the outcomes that the opened shard has a record of. */
  async outcomesOf(transactions: readonly string[]): Promise<ReadonlyMap<string, boolean>> {
    return valueOfTask(await this.#thread.run('outcomesOf', transactions, unlimited));
  }

  /** Makes durable what opening it found. */
  async secure(): Promise<void> {
    valueOfTask(await this.#thread.run('secure', undefined, this.#toOpen));
  }

  /**
   * Brings the files into order; the shard serves from here on.
   *
   * @param outcomes of transactions in doubt: whether they are committed
   * @param inFlight ids of transactions that may stay in doubt
   */
  async start(
    outcomes: ReadonlyMap<string, boolean>,
    inFlight: ReadonlySet<string>,
  ): Promise<ShardReport> {
    const task = { stamp: this.#options.stamp(), outcomes, inFlight };
    return valueOfTask(await this.#thread.run('start', task, this.#toOpen));
  }

  async batch(operations: readonly ShardOperation[]): Promise<BatchReply<ShardResult>> {
    const frame = encodeBatch({ stamp: this.#options.stamp(), operations });
    return decodeReply(await this.#thread.run('batch', frame, { transfer: [frame.buffer] }));
  }

  /** Seals all that came before it, for a reader of the files. */
  async cut(): Promise<Parcel> {
    return valueOfTask(await this.#thread.run('cut', this.#options.stamp()));
  }

  /** @param report the last one: it says how much there is to read or write */
  async beside<Name extends TaskBeside>(
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
    valueOfTask(await this.#thread.run('stop', this.#options.stamp(), unlimited));
  }

  /** @returns whether it counts as hung; once, until it answers something again */
  tick(elapsedMs: number): boolean {
    return this.#thread.tick(elapsedMs);
  }

  /** Ends the thread at once; resolves when it has exited. */
  destroy(): Promise<void> {
    return this.#thread.destroy();
  }

  /** No time limit on the first open: the size of the data is unknown. */
  get #toOpen(): { readonly bytes: number } {
    if (this.#known === undefined) return unlimited;
    const { bytes, journalBytes, snapshotBytes } = this.#known;
    return { bytes: bytes + journalBytes + snapshotBytes };
  }
}
