// One shard as the main thread sees it. Operations go in here, and the shard's status comes out.
// batch-sender.ts has the waiting operations, and shard-lifecycle.ts has the states. Knows neither
// threads nor frames.
import { retrySoon, StoreError } from '../../base/errors.ts';
import { queueWaitMaxMs } from '../../base/limits.ts';
import { overloaded } from '../../base/overloaded.ts';
import type { SharedEntries } from '../../memory/shared-entries.ts';
import type { Parcel } from '../../protocol/parcel.ts';
import type { ShardReport } from '../../protocol/shard-operation.ts';
import type { OpenedReport } from '../../protocol/shard-task.ts';
import type { ShardStatus } from '../../store/store-status.ts';
import type { ShardQueue } from '../sequencer.ts';
import { BatchSender } from './batch-sender.ts';
import type { QueuedOperation } from './queued-operation.ts';
import { ShardLifecycle, type ShardLifecycleOptions } from './shard-lifecycle.ts';

export interface ShardClientOptions extends ShardLifecycleOptions {
  /** Called when a batch has left the queue. May queue operations. */
  readonly onBatchLeft: () => void;
  /** Runs `work` at the end of this turn of the event loop. */
  readonly defer: (work: () => void) => void;
}

const queueIsFull = overloaded('Too many operations wait for this shard already.');
const waitedTooLong = overloaded(
  `The operation has waited for its shard for ${queueWaitMaxMs} ms; it was not begun.`,
);
const shuttingDown = new StoreError('SHUTTING_DOWN', 'The store is closing.', retrySoon);

export class ShardClient implements ShardQueue {
  readonly shard: number;
  readonly #options: ShardClientOptions;
  readonly #sender: BatchSender;
  readonly #lifecycle: ShardLifecycle;
  #isClosing = false;
  #isSyncing = false;

  constructor(options: ShardClientOptions) {
    this.#options = options;
    this.shard = options.location.identity.shard;
    this.#sender = new BatchSender({
      defer: options.defer,
      monotonicMs: options.monotonicMs,
      onBatchLeft: options.onBatchLeft,
      onUsage: (namespaces) => options.usage.changed(this.shard, namespaces),
      onReport: (report) => this.#lifecycle.noteReport(report),
      onLost: (error) => this.#lifecycle.threadLost(String(error)),
    });
    this.#lifecycle = new ShardLifecycle(this.#sender, options);
  }

  /** Counts the lives of the shard's thread: work that was begun in one must not end in another. */
  get epoch(): number {
    return this.#lifecycle.epoch;
  }

  get report(): ShardReport | undefined {
    return this.#lifecycle.report;
  }

  get nextSeq(): number {
    return this.report?.nextSeq ?? 0;
  }

  get nextExpiryAt(): number {
    return this.report?.nextExpiryAt ?? Infinity;
  }

  /** None while the shard does not serve: then nothing is kept from waiting in its queue. */
  get waitingOperations(): number {
    return this.isServing ? this.#sender.waitingOperations : 0;
  }

  get waitingBytes(): number {
    return this.isServing ? this.#sender.waitingBytes : 0;
  }

  /** See `ShardLifecycle.entries`. */
  get entries(): SharedEntries | undefined {
    return this.#lifecycle.entries;
  }

  /** See `BatchSender.lastPosition`. */
  get lastPosition(): number {
    return this.#sender.lastPosition;
  }

  /** See `BatchSender.openPosition`. */
  get openPosition(): number {
    return this.#sender.openPosition;
  }

  get isServing(): boolean {
    return this.#lifecycle.state === 'serving';
  }

  /** Milliseconds since the shard's last answer; 0 while an operation waits or is in flight. */
  get idleMs(): number {
    return this.#sender.idleMs;
  }

  get status(): ShardStatus {
    const { entries = 0, bytes = 0, journalBytes = 0, snapshotBytes = 0 } = this.report ?? {};
    const { heapBytes = 0, heapBytesMax = Infinity, isDiskFull = false } = this.report ?? {};
    const { state, reason, epoch, tornTails, syncSeconds } = this.#lifecycle;
    const { waitingOperations, waitingBytes, batchOperations } = this.#sender;
    return {
      shard: this.shard,
      state,
      reason,
      entries,
      bytes,
      heapBytes,
      heapBytesMax,
      journalBytes,
      snapshotBytes,
      queueOperations: waitingOperations,
      queueBytes: waitingBytes,
      batchOperations,
      syncSeconds,
      epoch,
      tornTails,
      isDiskFull,
    };
  }

  /** See `ShardThread.open`. */
  open(): Promise<OpenedReport> {
    return this.#lifecycle.open();
  }

  /** See `ShardThread.outcomesOf`. */
  outcomesOf(transactions: readonly string[]): Promise<ReadonlyMap<string, boolean>> {
    return this.#lifecycle.outcomesOf(transactions);
  }

  /** See `ShardThread.secure`. */
  secure(): Promise<void> {
    return this.#lifecycle.secure();
  }

  /** See `ShardThread.start`. */
  start(outcomes?: ReadonlyMap<string, boolean>): Promise<void> {
    return this.#lifecycle.start(outcomes);
  }

  hasRoom(operations: number, bytes: number): boolean {
    return this.#sender.hasRoom(operations, bytes);
  }

  enqueue(queued: QueuedOperation): void {
    const refusal = queued.mustDeliver ? this.#endOfService : this.#refusal;
    const error = refusal ?? (this.#sender.offer(queued) ? undefined : queueIsFull);
    if (error !== undefined) queued.complete({ kind: 'refused', error });
    else if (!this.isServing) queued.onDelay();
  }

  /**
   * Refuses operations that have waited too long, and ticks the lifecycle.
   *
   * @param elapsedMs at most the time since the last tick; time in which the process was stopped
   *   does not count
   */
  tick(elapsedMs: number): void {
    const now = this.#options.monotonicMs();
    this.#sender.refuseQueuedBefore(now - queueWaitMaxMs, waitedTooLong);
    this.#lifecycle.tick(elapsedMs);
  }

  /** Syncs in parallel to batches, if something is unsynced and no such sync is running. */
  async sync(): Promise<void> {
    if (!this.isServing || this.#isSyncing || this.report?.hasUnsynced !== true) return;
    this.#isSyncing = true;
    const { epoch } = this;
    try {
      const report = await this.#lifecycle.runParallel('sync', undefined);
      if (epoch === this.epoch) this.#lifecycle.noteReport(report);
    } catch (error) {
      if (error instanceof StoreError && epoch === this.epoch) {
        this.#lifecycle.suspend(`a sync failed: ${error.message}`);
      }
    } finally {
      this.#isSyncing = false;
    }
  }

  /**
   * Has the shard seal the input of a compaction.
   *
   * @returns undefined if there is nothing to compact
   */
  beginCompaction(): Promise<Parcel | undefined> {
    return this.#lifecycle.runParallel('beginCompaction', this.#options.timestamp());
  }

  /** Makes the compaction's snapshot the live one. */
  async installSnapshot(snapshot: Parcel): Promise<void> {
    this.#lifecycle.noteReport(await this.#lifecycle.runParallel('installSnapshot', snapshot));
  }

  /** Tells the shard that the compaction that was begun has failed. */
  async abortCompaction(): Promise<void> {
    this.#lifecycle.noteReport(await this.#lifecycle.runParallel('abortCompaction', undefined));
  }

  /** Answers queued operations and refuses later ones; see `ShardLifecycle.close`. */
  close(): Promise<void> {
    this.#isClosing = true;
    return this.#lifecycle.close(shuttingDown);
  }

  /** Ends the thread and writes nothing, for a store that does not start. */
  abandon(): Promise<void> {
    return this.#lifecycle.abandon();
  }

  /** The error for an operation that may be refused, if the shard takes none now. */
  get #refusal(): StoreError | undefined {
    if (this.#lifecycle.state === 'suspended') return this.#lifecycle.unavailable('not-applied');
    return this.#endOfService;
  }

  /** The error for every operation, if the shard takes none at all. */
  get #endOfService(): StoreError | undefined {
    const { state } = this.#lifecycle;
    if (state === 'closed' || this.#isClosing) return shuttingDown;
    return state === 'failed' ? this.#lifecycle.unavailable('not-applied') : undefined;
  }
}
