// One shard as the main thread sees it: its state, and the lives of its thread. A thread that died
// or hangs is opened anew, from disk, only after it has exited; a shard whose disk fails is
// suspended until the disk works again. What waits for it is its sender's (batch-sender.ts).
import { StoreError, type Outcome } from '../../base/errors.ts';
import { batchSizeBounds, Histogram, secondsBounds } from '../../base/histogram.ts';
import type { FsyncMode } from '../../base/fsync-mode.ts';
import { queueWaitMaxMs, shardRetryMs } from '../../base/limits.ts';
import { encodeBatch } from '../../protocol/batch-frame.ts';
import { heapTooSmall, isOutOfMemory } from '../../protocol/heap-too-small.ts';
import { decodeReply } from '../../protocol/reply-frame.ts';
import type { Parcel } from '../../protocol/parcel.ts';
import {
  isEntryRead,
  isEntryWrite,
  type ShardOperation,
  type ShardReport,
} from '../../protocol/shard-operation.ts';
import {
  valueOfTask,
  type OpenedReport,
  type ShardLocation,
  type ShardTasks,
  type TaskAnswer,
} from '../../protocol/shard-task.ts';
import type { ShardState, ShardStatus } from '../../store/store.ts';
import { BatchSender, type BatchAnswer } from './batch-sender.ts';
import { RestartGuard } from './restart-guard.ts';
import type { TaskThread } from '../threads/task-thread.ts';
import type { QueuedOperation } from './queued-operation.ts';
import { WatchedThread } from '../threads/watched-thread.ts';

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
  /** Called when the shard stops serving until its disk works again, and when it serves again. */
  readonly onSuspended: (shard: number, why: string) => void;
  readonly onResumed: (shard: number) => void;
  /** Called when puts begin, or cease, to find no room on disk. */
  readonly onDiskFull: (shard: number, isFull: boolean) => void;
  /** Ids of transactions over several shards that some participant may still have to remember. */
  readonly transactionsInFlight: () => ReadonlySet<string>;
}

type TaskValue<Name extends keyof ShardTasks> =
  ShardTasks[Name][1] extends TaskAnswer<infer Value> ? Value : never;

/** What syncs a shard for the last time may take as long as it likes. */
const atLeisure = { bytes: Infinity };

const retrySoon = { retryable: true, retryAfterMs: 1000 };

const overloaded = new StoreError(
  'OVERLOADED',
  'Too many operations wait for this shard already.',
  retrySoon,
);
const waitedTooLong = new StoreError(
  'OVERLOADED',
  `The operation has waited for its shard for ${queueWaitMaxMs} ms; it was not begun.`,
  retrySoon,
);
const shuttingDown = new StoreError('SHUTTING_DOWN', 'The store is closing.', retrySoon);

/** A shard that can not be read for such a reason will not be readable later either. */
const lasting: readonly string[] = ['STORE_DAMAGED', 'STORE_MISMATCH'];

/**
 * After a thread's death, as if it had not been asked yet. A read is asked again but once: it may be
 * the cause.
 */
function isAskedAgain({ operation, mustDeliver, threadsLost }: QueuedOperation): boolean {
  if (threadsLost > 1 && !mustDeliver) return false;
  return mustDeliver || isEntryRead(operation);
}

export class ShardClient {
  readonly shard: number;
  readonly #options: ShardClientOptions;
  readonly #sender: BatchSender;
  readonly #batchOperations = new Histogram(batchSizeBounds);
  readonly #syncSeconds = new Histogram(secondsBounds);
  readonly #guard: RestartGuard;
  #thread: WatchedThread<ShardTasks>;
  #state: ShardState = 'opening';
  #reason: string | undefined = 'starting';
  #epoch = 0;
  #report: ShardReport | undefined;
  /** What a suspended shard tries again, and when. */
  #retry: (() => Promise<void>) | undefined;
  #retryAtMs = 0;
  #tornTails = 0;
  /** The present thread has a shard to stop. */
  #isStarted = false;
  #isClosing = false;
  #isSyncing = false;
  #reopening: Promise<void> | undefined;

  constructor(options: ShardClientOptions) {
    this.#options = options;
    this.shard = options.location.identity.shard;
    this.#guard = new RestartGuard(options.monotonicMs);
    this.#sender = new BatchSender({
      defer: options.defer,
      monotonicMs: options.monotonicMs,
      maySend: () => this.#state === 'serving' || this.#state === 'closed',
      send: (batch) => this.#send(batch),
      onReport: (report) => this.#noteReport(report),
      onLost: (error) => this.#threadIsGone(String(error)),
    });
    this.#thread = this.#newThread();
  }

  /** Counts the lives of the shard's thread: what was begun in one must not end in another. */
  get epoch(): number {
    return this.#epoch;
  }

  get report(): ShardReport | undefined {
    return this.#report;
  }

  /** No change up to the last answer has a seq as high. */
  get nextSeq(): number {
    return this.#report?.nextSeq ?? 0;
  }

  get isServing(): boolean {
    return this.#state === 'serving';
  }

  /** Since when nothing was asked of the shard, in milliseconds; 0 while something is. */
  get idleMs(): number {
    return this.#sender.idleMs;
  }

  get status(): ShardStatus {
    const { entries = 0, bytes = 0, journalBytes = 0, snapshotBytes = 0 } = this.#report ?? {};
    const { heapBytes = 0, heapBytesMax = Infinity } = this.#report ?? {};
    return {
      shard: this.shard,
      state: this.#state,
      reason: this.#reason,
      entries,
      bytes,
      heapBytes,
      heapBytesMax,
      journalBytes,
      snapshotBytes,
      queueOperations: this.#sender.waitingOperations,
      queueBytes: this.#sender.waitingBytes,
      batchOperations: this.#batchOperations,
      syncSeconds: this.#syncSeconds,
      epoch: this.#epoch,
      tornTails: this.#tornTails,
      isDiskFull: this.#report?.isDiskFull ?? false,
    };
  }

  /**
   * Reads and proves the shard's files; changes nothing.
   *
   * @throws StoreError STORE_DAMAGED, STORE_MISMATCH, STORE_INACCESSIBLE
   */
  async open(): Promise<OpenedReport> {
    const { location, fsync } = this.#options;
    const size = { bytes: this.#bytesToOpen };
    const opening = this.#thread.run('open', { ...location, fsync }, size);
    const opened = valueOfTask(
      await opening.catch((error: unknown) => {
        throw isOutOfMemory(error) ? heapTooSmall(location.name) : error;
      }),
    );
    this.#tornTails += opened.torn.length;
    return opened;
  }

  /** Of these transactions, the outcomes that the opened shard has a record of. */
  async outcomesOf(transactions: readonly string[]): Promise<ReadonlyMap<string, boolean>> {
    return valueOfTask(await this.#thread.run('outcomesOf', transactions, atLeisure));
  }

  /** Makes durable what opening it found. */
  async secure(): Promise<void> {
    valueOfTask(await this.#thread.run('secure', undefined, { bytes: this.#bytesToOpen }));
  }

  /**
   * Brings the files into order; the shard serves from here on.
   *
   * @param outcomes of transactions that the last life of the program has left in doubt: whether they
   *   are committed
   */
  async start(outcomes: ReadonlyMap<string, boolean> = new Map()): Promise<void> {
    const bytes = this.#bytesToOpen;
    const { stamp, transactionsInFlight } = this.#options;
    const task = { stamp: stamp(), outcomes, inFlight: transactionsInFlight() };
    this.#report = valueOfTask(await this.#thread.run('start', task, { bytes }));
    this.#isStarted = true;
    this.#epoch += 1;
    this.#setState('serving', undefined);
    this.#sender.planTurn();
  }

  /** The first time nobody knows how much there is, and somebody watches: it may take its time. */
  get #bytesToOpen(): number {
    if (this.#report === undefined) return Infinity;
    const { bytes, journalBytes, snapshotBytes } = this.#report;
    return bytes + journalBytes + snapshotBytes;
  }

  hasRoom(operations: number, bytes: number): boolean {
    return this.#sender.hasRoom(operations, bytes);
  }

  /** Queues an operation, or settles it at once with why not. */
  enqueue(queued: QueuedOperation): void {
    const refusal = queued.mustDeliver ? this.#endOfService : this.#refusal;
    const error = refusal ?? (this.#sender.offer(queued) ? undefined : overloaded);
    if (error !== undefined) queued.complete({ kind: 'refused', error });
    else if (!this.isServing) queued.onDelay();
  }

  /**
   * What happens by time: refuses what has waited too long, gives a hung thread up, tries again what
   * a suspended shard waits for.
   *
   * @param elapsedMs since the last tick, at most, as far as the process was running
   */
  tick(elapsedMs: number): void {
    const now = this.#options.monotonicMs();
    this.#sender.refuseQueuedBefore(now - queueWaitMaxMs, waitedTooLong);
    if (this.#thread.tick(elapsedMs)) this.#threadHangs();
    const retry = this.#retry;
    if (retry === undefined || now < this.#retryAtMs) return;
    this.#retry = undefined;
    void retry();
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
        this.#suspend(`a sync failed: ${error.message}`, () => this.#mend());
      }
    } finally {
      this.#isSyncing = false;
    }
  }

  async beginCompaction(): Promise<Parcel | undefined> {
    return await this.#do('beginCompaction', this.#options.stamp());
  }

  async installSnapshot(snapshot: Parcel): Promise<void> {
    this.#noteReport(await this.#do('installSnapshot', snapshot));
  }

  /** The compaction that was begun has failed. */
  async abortCompaction(): Promise<void> {
    this.#noteReport(await this.#do('abortCompaction', undefined));
  }

  /**
   * Answers what is queued, leaves a durable mark and ends the thread.
   *
   * @throws StoreError where the mark could not be left, or where the shard does not serve and what
   *   it has acknowledged may not be synced; Error where the thread died
   */
  async close(): Promise<void> {
    this.#isClosing = true;
    // What a thread has written before it died is still to be synced: it is opened anew for that.
    await this.#reopening;
    const { fsync } = this.#options;
    const isSuspended = this.#state === 'suspended';
    const canStop = this.#isStarted && (this.isServing || isSuspended);
    const error = canStop || fsync === 'always' ? undefined : this.#unavailable('not-applied');
    this.#setState('closed', 'closing');
    try {
      if (!canStop) {
        this.#sender.refuseAll(shuttingDown);
        if (error !== undefined) throw error;
        return;
      }
      if (isSuspended) this.#sender.refuseAll(shuttingDown);
      await this.#sender.drained();
      valueOfTask(await this.#thread.run('stop', this.#options.stamp(), atLeisure));
    } finally {
      await this.#thread.destroy();
    }
  }

  /** Ends the thread with nothing written: for a store that does not start. */
  async abandon(): Promise<void> {
    this.#setState('closed', 'closed');
    await this.#thread.destroy();
  }

  #newThread(): WatchedThread<ShardTasks> {
    const thread = new WatchedThread(
      this.#options.newThread((error) => {
        if (thread === this.#thread) this.#threadIsGone(error.message);
      }),
    );
    return thread;
  }

  /** Why nothing may be queued that can be refused. */
  get #refusal(): StoreError | undefined {
    if (this.#state === 'suspended') return this.#unavailable('not-applied');
    return this.#endOfService;
  }

  /** Why nothing may be queued, whatever it is. */
  get #endOfService(): StoreError | undefined {
    if (this.#state === 'closed' || this.#isClosing) return shuttingDown;
    return this.#state === 'failed' ? this.#unavailable('not-applied') : undefined;
  }

  #unavailable(outcome: Outcome): StoreError {
    const detail = `Shard ${this.shard} does not serve: ${this.#reason ?? 'its thread died'}.`;
    return new StoreError('SHARD_UNAVAILABLE', detail, { ...retrySoon, outcome });
  }

  /** A cut leaves on its own, see BatchQueue. */
  #send(batch: readonly QueuedOperation[]): Promise<BatchAnswer> {
    const [first] = batch;
    return first?.operation.op === 'cut' ? this.#sendCut() : this.#sendBatch(batch);
  }

  async #sendBatch(batch: readonly QueuedOperation[]): Promise<BatchAnswer> {
    const operations = batch.map(({ operation }) => operation as ShardOperation);
    const frame = encodeBatch({ stamp: this.#options.stamp(), operations });
    const answer = decodeReply(
      await this.#thread.run('batch', frame, { transfer: [frame.buffer] }),
    );
    this.#batchOperations.observe(answer.results.length);
    return answer;
  }

  async #sendCut(): Promise<BatchAnswer> {
    const answer = await this.#thread.run('cut', this.#options.stamp());
    const report = undefined;
    try {
      return { results: [{ kind: 'cut', parcel: valueOfTask(answer) }], report };
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return { results: [{ kind: 'refused', error }], report };
    }
  }

  /** A task beside the batches. */
  async #do<
    Name extends 'sync' | 'beginCompaction' | 'installSnapshot' | 'abortCompaction' | 'mend',
  >(name: Name, task: ShardTasks[Name][0]): Promise<TaskValue<Name>> {
    let answer: ShardTasks[Name][1];
    const thread = this.#thread;
    const { bytes = 0, journalBytes = 0 } = this.#report ?? {};
    try {
      answer = await thread.run(name, task, { bytes: bytes + journalBytes });
    } catch (error) {
      if (thread === this.#thread) this.#threadIsGone(String(error));
      throw error;
    }
    return valueOfTask(answer as TaskAnswer<TaskValue<Name>>);
  }

  #noteReport(report: ShardReport): void {
    const wasFull = this.#report?.isDiskFull ?? false;
    if (report.isDiskFull !== wasFull) this.#options.onDiskFull(this.shard, report.isDiskFull);
    this.#report = report;
    if (!Number.isNaN(report.syncSeconds)) this.#syncSeconds.observe(report.syncSeconds);
    if (report.isBroken) {
      this.#suspend('its journal could not be written or synced', () => this.#mend());
    }
  }

  /**
   * Nobody knows which writes of the batch are on disk. Reads of one entry changed nothing and are
   * asked again, and so is what must arrive; pages, counts and cuts were one moment with other
   * shards', which has passed.
   */
  #failInFlight(): void {
    const batch = this.#sender.takeInFlight();
    for (const queued of batch) queued.threadsLost += 1;
    this.#sender.putBack(batch.filter(isAskedAgain));
    for (const queued of batch.filter((each) => !isAskedAgain(each))) {
      const error = this.#unavailable(isEntryWrite(queued.operation) ? 'unknown' : 'not-applied');
      queued.complete({ kind: 'refused', error });
    }
  }

  /** The one place where a thread's death is acted upon, whoever noticed it first. */
  #threadIsGone(why: string): void {
    this.#failInFlight();
    if (this.#state === 'serving' || this.#state === 'suspended') {
      this.#reopening = this.#reopen(why);
    } else if (this.#state !== 'opening') {
      this.#sender.refuseAll(this.#unavailable('not-applied'));
    }
  }

  #threadHangs(): void {
    // Whoever opens it hears of that, see `#openingFailed`.
    if (this.#state === 'opening') void this.#thread.destroy();
    else this.#threadIsGone('it hangs');
  }

  /** Never rejects: what goes wrong ends in the state `failed`, or `suspended`. */
  async #reopen(why: string): Promise<void> {
    this.#setState('opening', `its thread died (${why})`);
    this.#options.onEpoch(this.shard, why);
    if (!this.#guard.mayRestart()) {
      await this.#thread.destroy();
      this.#fail(
        `its thread died again after ${this.#guard.restartsMax} restarts in a minute (${why})`,
      );
      return;
    }
    await this.#openAnew();
  }

  /** In a new thread, once the old one has exited: no two may ever write to one file. */
  async #openAnew(): Promise<void> {
    this.#isStarted = false;
    await this.#thread.destroy();
    if (this.#state !== 'opening') return;
    this.#thread = this.#newThread();
    try {
      await this.open();
      // The store may have been abandoned meanwhile: then nothing may be written any more.
      if (this.#state === 'opening') await this.start();
    } catch (error) {
      await this.#openingFailed(error);
    }
  }

  async #openingFailed(error: unknown): Promise<void> {
    if (!(error instanceof StoreError)) {
      // The new thread died, too, or hangs.
      const why = this.#thread.hasHung ? 'it hangs' : String(error);
      if (this.#state === 'opening') await this.#reopen(why);
      return;
    }
    if (lasting.includes(error.code)) {
      this.#fail(error.message);
      return;
    }
    this.#suspend(`it can not be opened: ${error.message}`, () => {
      this.#setState('opening', this.#reason);
      this.#reopening = this.#openAnew();
      return this.#reopening;
    });
  }

  /** Refuses everything until `retry`, tried again and again, brings the shard back. */
  #suspend(why: string, retry: () => Promise<void>): void {
    if (this.#state === 'failed' || this.#state === 'closed') return;
    if (this.#state !== 'suspended') this.#options.onSuspended(this.shard, why);
    this.#setState('suspended', why);
    this.#retry = retry;
    this.#retryAtMs = this.#options.monotonicMs() + shardRetryMs;
    this.#sender.refuseWaiting(this.#unavailable('not-applied'));
  }

  async #mend(): Promise<void> {
    const epoch = this.#epoch;
    try {
      const report = await this.#do('mend', this.#options.stamp());
      if (this.#state !== 'suspended' || epoch !== this.#epoch) return;
      this.#report = report;
      this.#resume();
    } catch (error) {
      if (!(error instanceof StoreError) || this.#state !== 'suspended') return;
      this.#suspend(`its journal could not be mended: ${error.message}`, () => this.#mend());
    }
  }

  #resume(): void {
    this.#setState('serving', undefined);
    this.#options.onResumed(this.shard);
    this.#sender.planTurn();
  }

  #fail(why: string): void {
    this.#retry = undefined;
    if (this.#state === 'failed' || this.#state === 'closed') return;
    this.#setState('failed', why);
    this.#options.onFailed(this.shard, why);
    this.#sender.refuseAll(this.#unavailable('not-applied'));
  }

  #setState(state: ShardState, reason: string | undefined): void {
    // Closing is for good, whatever the thread was doing.
    if (this.#state === 'closed') return;
    this.#retry = undefined;
    this.#state = state;
    this.#reason = reason;
  }
}
