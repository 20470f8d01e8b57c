// One shard as the main thread sees it: its queue, its batches, its thread. Answers every ticket
// once, whatever happens to the thread, and in order while it lives; a thread that died is opened
// anew, from disk, only after it has exited.
import { StoreError } from '../base/errors.ts';
import { batchSizeBounds, Histogram, secondsBounds } from '../base/histogram.ts';
import type { FsyncMode } from '../base/fsync-mode.ts';
import { encodeBatch } from '../protocol/batch-frame.ts';
import { decodeReply } from '../protocol/reply-frame.ts';
import type { ShardReport } from '../protocol/shard-operation.ts';
import {
  valueOfTask,
  type OpenedReport,
  type Parcel,
  type ShardLocation,
  type ShardTasks,
  type TaskAnswer,
} from '../protocol/shard-task.ts';
import { isWrite, type Operation } from '../store/operation.ts';
import type { ShardState, ShardStatus } from '../store/store.ts';
import { BatchQueue } from './batch-queue.ts';
import { RestartGuard } from './restart-guard.ts';
import type { TaskThread } from './task-thread.ts';
import type { Ticket } from './ticket.ts';

export interface ShardClientOptions {
  readonly location: ShardLocation;
  readonly fsync: FsyncMode;
  /** Begins a thread that has opened nothing yet. */
  readonly newThread: (onIdleDeath: (error: Error) => void) => TaskThread<ShardTasks>;
  /** Does the work at the end of this turn of the event loop. */
  readonly defer: (work: () => void) => void;
  /** The next stamp, for a batch. */
  readonly stamp: () => number;
  readonly monotonicMs: () => number;
  /** Called before the shard is opened anew: what it answered before may not hold any more. */
  readonly onEpoch: (shard: number, why: string) => void;
  readonly onFailed: (shard: number, why: string) => void;
}

type TaskValue<Name extends keyof ShardTasks> =
  ShardTasks[Name][1] extends TaskAnswer<infer Value> ? Value : never;

/** Turns of the event loop that a batch may wait for more to join it. */
const turnsMax = 2;

const overloaded = new StoreError(
  'OVERLOADED',
  'Too many operations wait for this shard already.',
  {
    retryable: true,
    retryAfterMs: 1000,
  },
);
const shuttingDown = new StoreError('SHUTTING_DOWN', 'The store is closing.', {
  retryable: true,
  retryAfterMs: 1000,
});

function isRead({ operation: { op } }: Ticket): boolean {
  return op === 'get' || op === 'head';
}

function isWriting({ operation }: Ticket): boolean {
  return isWrite(operation as Operation);
}

export class ShardClient {
  readonly shard: number;
  readonly #options: ShardClientOptions;
  readonly #queue = new BatchQueue();
  readonly #batchOperations = new Histogram(batchSizeBounds);
  readonly #syncSeconds = new Histogram(secondsBounds);
  readonly #guard: RestartGuard;
  #thread: TaskThread<ShardTasks>;
  #state: ShardState = 'opening';
  #reason: string | undefined = 'starting';
  #epoch = 0;
  #report: ShardReport | undefined;
  #isBatchUnderWay = false;
  #isTurnPlanned = false;
  #isSyncing = false;
  #onDrained: (() => void) | undefined;
  #reopening: Promise<void> | undefined;
  #lastBatchMs: number;

  constructor(options: ShardClientOptions) {
    this.#options = options;
    this.shard = options.location.identity.shard;
    this.#guard = new RestartGuard(options.monotonicMs);
    this.#lastBatchMs = options.monotonicMs();
    this.#thread = this.#newThread();
  }

  /** Counts the lives of the shard's thread: what was begun in one must not end in another. */
  get epoch(): number {
    return this.#epoch;
  }

  get report(): ShardReport | undefined {
    return this.#report;
  }

  get isServing(): boolean {
    return this.#state === 'serving';
  }

  /** Since when nothing was asked of the shard, in milliseconds; 0 while something is. */
  get idleMs(): number {
    if (this.#isBatchUnderWay || this.#queue.operations > 0) return 0;
    return this.#options.monotonicMs() - this.#lastBatchMs;
  }

  get status(): ShardStatus {
    const { entries = 0, bytes = 0, journalBytes = 0, snapshotBytes = 0 } = this.#report ?? {};
    return {
      shard: this.shard,
      state: this.#state,
      reason: this.#reason,
      entries,
      bytes,
      journalBytes,
      snapshotBytes,
      queueOperations: this.#queue.operations,
      queueBytes: this.#queue.bytes,
      batchOperations: this.#batchOperations,
      syncSeconds: this.#syncSeconds,
      epoch: this.#epoch,
    };
  }

  /**
   * Reads and proves the shard's files; changes nothing.
   *
   * @throws StoreError STORE_DAMAGED, STORE_MISMATCH, STORE_INACCESSIBLE
   */
  async open(): Promise<OpenedReport> {
    const { location, fsync } = this.#options;
    return valueOfTask(await this.#thread.run('open', { ...location, fsync }));
  }

  /** Brings the files into order; the shard serves from here on. */
  async start(): Promise<void> {
    this.#report = valueOfTask(await this.#thread.run('start', this.#options.stamp()));
    this.#epoch += 1;
    this.#setState('serving', undefined);
    this.#planTurn();
  }

  hasRoom(operations: number, bytes: number): boolean {
    return this.#queue.hasRoom(operations, bytes);
  }

  /** Queues an operation, or settles it at once with why not. */
  enqueue(ticket: Ticket): void {
    const refusal = this.#refusalOf(ticket);
    if (refusal !== undefined) {
      ticket.settle({ kind: 'refused', error: refusal });
      return;
    }
    this.#queue.push(ticket);
    this.#planTurn();
  }

  /** Syncs beside the batches, if there is anything to sync and no sync under way. */
  async sync(): Promise<void> {
    if (!this.isServing || this.#isSyncing || this.#report?.hasUnsynced !== true) return;
    this.#isSyncing = true;
    const epoch = this.#epoch;
    try {
      const report = await this.#do('sync', undefined);
      if (epoch === this.#epoch) this.#noteReport(report);
    } catch (error) {
      if (error instanceof StoreError && epoch === this.#epoch) {
        this.#fail(`a sync failed: ${error.message}`);
      }
    } finally {
      this.#isSyncing = false;
    }
  }

  async beginCompaction(): Promise<Parcel | undefined> {
    return await this.#do('beginCompaction', this.#options.stamp());
  }

  async takeSnapshot(snapshot: Parcel): Promise<void> {
    this.#noteReport(await this.#do('takeSnapshot', snapshot));
  }

  /**
   * Answers what is queued, leaves a durable mark and ends the thread.
   *
   * @throws StoreError where the mark could not be left; Error where the thread died
   */
  async close(): Promise<void> {
    const wasServing = this.isServing;
    this.#setState('closed', 'closing');
    await this.#reopening;
    try {
      if (wasServing) {
        await this.#drained();
        valueOfTask(await this.#thread.run('stop', this.#options.stamp()));
      } else {
        this.#refuseQueued(shuttingDown);
      }
    } finally {
      await this.#thread.destroy();
    }
  }

  /** Ends the thread with nothing written: for a store that does not start. */
  async abandon(): Promise<void> {
    this.#setState('closed', 'closed');
    await this.#thread.destroy();
  }

  #newThread(): TaskThread<ShardTasks> {
    const thread = this.#options.newThread((error) => {
      if (thread === this.#thread) this.#threadIsGone(error.message);
    });
    return thread;
  }

  #refusalOf(ticket: Ticket): StoreError | undefined {
    if (this.#state === 'closed') return shuttingDown;
    if (this.#state === 'failed') return this.#unavailable('not-applied');
    return this.#queue.hasRoom(1, ticket.bytes) ? undefined : overloaded;
  }

  #unavailable(outcome: 'not-applied' | 'unknown'): StoreError {
    const detail = `Shard ${this.shard} does not serve: ${this.#reason ?? 'its thread died'}.`;
    return new StoreError('SHARD_UNAVAILABLE', detail, {
      outcome,
      retryable: true,
      retryAfterMs: 1000,
    });
  }

  /**
   * A batch leaves at the end of the first turn of the event loop in which nothing joined it: a
   * busy server so shares its syncs among more, and an idle one answers at once. There is no timer.
   */
  #planTurn(): void {
    if (this.#isTurnPlanned || this.#isBatchUnderWay) return;
    this.#isTurnPlanned = true;
    this.#endTurn(this.#queue.operations, turnsMax);
  }

  #endTurn(waiting: number, turnsLeft: number): void {
    this.#options.defer(() => {
      const { operations } = this.#queue;
      if (operations > waiting && turnsLeft > 0) {
        this.#endTurn(operations, turnsLeft - 1);
        return;
      }
      this.#isTurnPlanned = false;
      this.#sendBatches();
    });
  }

  /** One batch is under way at a time; what arrives meanwhile leaves as the next. */
  #sendBatches(): void {
    const mayServe = this.#state === 'serving' || this.#state === 'closed';
    if (this.#isBatchUnderWay || !mayServe) return;
    const tickets = this.#queue.takeBatch();
    if (tickets.length === 0) {
      this.#onDrained?.();
      return;
    }
    this.#isBatchUnderWay = true;
    void this.#send(tickets);
  }

  async #send(tickets: readonly Ticket[]): Promise<void> {
    const operations = tickets.map(({ operation }) => operation);
    let answered: Uint8Array;
    try {
      const frame = encodeBatch({ stamp: this.#options.stamp(), operations });
      answered = await this.#thread.run('batch', frame, [frame.buffer]);
    } catch (error) {
      this.#isBatchUnderWay = false;
      this.#failUnderWay(tickets);
      this.#threadIsGone(String(error));
      return;
    }
    this.#isBatchUnderWay = false;
    this.#takeApart(tickets, answered);
    this.#planTurn();
  }

  /** A task beside the batches. */
  async #do<Name extends 'sync' | 'beginCompaction' | 'takeSnapshot'>(
    name: Name,
    task: ShardTasks[Name][0],
  ): Promise<TaskValue<Name>> {
    let answer: ShardTasks[Name][1];
    try {
      answer = await this.#thread.run(name, task);
    } catch (error) {
      this.#threadIsGone(String(error));
      throw error;
    }
    return valueOfTask(answer as TaskAnswer<TaskValue<Name>>);
  }

  #takeApart(tickets: readonly Ticket[], answered: Uint8Array): void {
    const { report, results } = decodeReply(answered);
    this.#batchOperations.observe(results.length);
    this.#lastBatchMs = this.#options.monotonicMs();
    if (results.length < tickets.length) this.#queue.putBack(tickets.slice(results.length));
    for (const [index, result] of results.entries()) tickets[index]?.settle(result);
    this.#noteReport(report);
  }

  #noteReport(report: ShardReport): void {
    this.#report = report;
    if (!Number.isNaN(report.syncSeconds)) this.#syncSeconds.observe(report.syncSeconds);
    if (report.isBroken) this.#fail('its journal could not be written or synced');
  }

  /**
   * Nobody knows which writes of the batch are on disk. Reads of one entry changed nothing and are
   * asked again; pages and counts were one moment with other shards', which has passed.
   */
  #failUnderWay(tickets: readonly Ticket[]): void {
    this.#queue.putBack(tickets.filter(isRead));
    for (const ticket of tickets.filter((each) => !isRead(each))) {
      const error = this.#unavailable(isWriting(ticket) ? 'unknown' : 'not-applied');
      ticket.settle({ kind: 'refused', error });
    }
  }

  /** The one place where a thread's death is acted upon, whoever noticed it first. */
  #threadIsGone(why: string): void {
    if (this.#state === 'serving') {
      this.#reopening = this.#reopen(why);
    } else if (this.#state !== 'opening') {
      this.#refuseQueued(this.#unavailable('not-applied'));
    }
  }

  /** Never rejects: what goes wrong ends in the state `failed`. */
  async #reopen(why: string): Promise<void> {
    this.#setState('opening', `its thread died (${why})`);
    this.#options.onEpoch(this.shard, why);
    await this.#thread.destroy();
    if (!this.#guard.mayRestart()) {
      this.#fail(
        `its thread died again after ${this.#guard.restartsMax} restarts in a minute (${why})`,
      );
    }
    if (this.#state !== 'opening') return;
    this.#thread = this.#newThread();
    try {
      await this.open();
      // Closing may have begun meanwhile: then nothing may be written any more.
      if (this.#state === 'opening') await this.start();
    } catch (error) {
      this.#fail(String(error));
    }
  }

  #fail(why: string): void {
    if (this.#state === 'failed' || this.#state === 'closed') return;
    this.#setState('failed', why);
    this.#options.onFailed(this.shard, why);
    this.#refuseQueued(this.#unavailable('not-applied'));
  }

  #refuseQueued(error: StoreError): void {
    for (const ticket of this.#queue.takeAll()) ticket.settle({ kind: 'refused', error });
    this.#onDrained?.();
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#onDrained = resolve;
      this.#planTurn();
    });
  }

  #setState(state: ShardState, reason: string | undefined): void {
    // Closing is for good, whatever the thread was doing.
    if (this.#state === 'closed') return;
    this.#state = state;
    this.#reason = reason;
  }
}
