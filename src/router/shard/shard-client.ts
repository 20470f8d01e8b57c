// One shard as the main thread sees it: what may be asked of it, and how it is. What waits for it is in
// batch-sender.ts, its states are in shard-lifecycle.ts.
import { StoreError } from '../../base/errors.ts';
import { queueWaitMaxMs } from '../../base/limits.ts';
import { overloaded } from '../../base/overloaded.ts';
import type { Parcel } from '../../protocol/parcel.ts';
import type { ShardReport } from '../../protocol/shard-operation.ts';
import type { OpenedReport } from '../../protocol/shard-task.ts';
import type { ShardStatus } from '../../store/store.ts';
import type { ShardQueue } from '../sequencer.ts';
import { BatchSender } from './batch-sender.ts';
import type { QueuedOperation } from './queued-operation.ts';
import { ShardLifecycle, type ShardLifecycleOptions } from './shard-lifecycle.ts';

export interface ShardClientOptions extends ShardLifecycleOptions {
  /** Does the work at the end of this turn of the event loop. */
  readonly defer: (work: () => void) => void;
}

const queueIsFull = overloaded('Too many operations wait for this shard already.');
const waitedTooLong = overloaded(
  `The operation has waited for its shard for ${queueWaitMaxMs} ms; it was not begun.`,
);
const shuttingDown = new StoreError('SHUTTING_DOWN', 'The store is closing.', {
  retryable: true,
  retryAfterMs: 1000,
});

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
      onReport: (report) => this.#lifecycle.noteReport(report),
      onLost: (error) => this.#lifecycle.threadLost(String(error)),
    });
    this.#lifecycle = new ShardLifecycle(this.#sender, options);
  }

  /** Counts the lives of the shard's thread: what was begun in one must not end in another. */
  get epoch(): number {
    return this.#lifecycle.epoch;
  }

  get report(): ShardReport | undefined {
    return this.#lifecycle.report;
  }

  get nextSeq(): number {
    return this.report?.nextSeq ?? 0;
  }

  get isServing(): boolean {
    return this.#lifecycle.state === 'serving';
  }

  /** Since when nothing was asked of the shard, in milliseconds; 0 while something is. */
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

  /** As `ShardThread.open`. */
  open(): Promise<OpenedReport> {
    return this.#lifecycle.open();
  }

  /** As `ShardThread.outcomesOf`. */
  outcomesOf(transactions: readonly string[]): Promise<ReadonlyMap<string, boolean>> {
    return this.#lifecycle.outcomesOf(transactions);
  }

  /** As `ShardThread.secure`. */
  secure(): Promise<void> {
    return this.#lifecycle.secure();
  }

  /** As `ShardThread.start`. */
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
   * What happens by time: refuses what has waited too long, and what the lifecycle does.
   *
   * @param elapsedMs since the last tick, at most, as far as the process was running
   */
  tick(elapsedMs: number): void {
    const now = this.#options.monotonicMs();
    this.#sender.refuseQueuedBefore(now - queueWaitMaxMs, waitedTooLong);
    this.#lifecycle.tick(elapsedMs);
  }

  /** Syncs beside the batches, if there is anything to sync and no such sync is running. */
  async sync(): Promise<void> {
    if (!this.isServing || this.#isSyncing || this.report?.hasUnsynced !== true) return;
    this.#isSyncing = true;
    const { epoch } = this;
    try {
      const report = await this.#lifecycle.beside('sync', undefined);
      if (epoch === this.epoch) this.#lifecycle.noteReport(report);
    } catch (error) {
      if (error instanceof StoreError && epoch === this.epoch) {
        this.#lifecycle.suspend(`a sync failed: ${error.message}`);
      }
    } finally {
      this.#isSyncing = false;
    }
  }

  /** Seals what is there to be compacted; undefined if there is nothing. */
  beginCompaction(): Promise<Parcel | undefined> {
    return this.#lifecycle.beside('beginCompaction', this.#options.stamp());
  }

  /** Makes the snapshot of the compaction the live one. */
  async installSnapshot(snapshot: Parcel): Promise<void> {
    this.#lifecycle.noteReport(await this.#lifecycle.beside('installSnapshot', snapshot));
  }

  /** The compaction that was begun has failed. */
  async abortCompaction(): Promise<void> {
    this.#lifecycle.noteReport(await this.#lifecycle.beside('abortCompaction', undefined));
  }

  /** Answers what is queued and refuses what comes later; see `ShardLifecycle.close`. */
  close(): Promise<void> {
    this.#isClosing = true;
    return this.#lifecycle.close(shuttingDown);
  }

  /** Ends the thread with nothing written: for a store that does not start. */
  abandon(): Promise<void> {
    return this.#lifecycle.abandon();
  }

  /** Why an operation that may be refused is not queued. */
  get #refusal(): StoreError | undefined {
    if (this.#lifecycle.state === 'suspended') return this.#lifecycle.unavailable('not-applied');
    return this.#endOfService;
  }

  /** Why no operation at all is queued. */
  get #endOfService(): StoreError | undefined {
    const { state } = this.#lifecycle;
    if (state === 'closed' || this.#isClosing) return shuttingDown;
    return state === 'failed' ? this.#lifecycle.unavailable('not-applied') : undefined;
  }
}
