// Owns the states of a shard and the lives of its thread. A new thread replaces one that died or
// hangs, once the old thread has exited. The new thread recovers from disk. A shard whose disk
// fails is suspended until the disk works again. Knows nothing of the operations that the shard is
// asked: batch-sender.ts has them.
//
//   opening -> serving                recovered
//   opening -> suspended -> opening   its files could not be read; tried again
//   serving -> suspended -> serving   its disk failed; mended
//   serving, suspended -> opening     its thread died or hangs
//   any -> failed                     until the next start of the program
//   any -> closed                     for good
import { retrySoon, StoreError, type Outcome } from '../../base/errors.ts';
import { Histogram, secondsBounds } from '../../base/histogram.ts';
import type { FsyncMode } from '../../base/fsync-mode.ts';
import { shardRetryMs } from '../../base/limits.ts';
import type { SharedEntries } from '../../memory/shared-entries.ts';
import type { ShardReport } from '../../protocol/shard-operation.ts';
import type { ShardLocation } from '../../base/shard-location.ts';
import type { OpenedReport, ShardTasks } from '../../protocol/shard-task.ts';
import type { ShardState } from '../../store/store-status.ts';
import type { TaskThread } from '../threads/task-thread.ts';
import type { BatchSender } from './batch-sender.ts';
import { RestartGuard } from './restart-guard.ts';
import { ShardThread, type ParallelTask, type TaskValue } from './shard-thread.ts';

/** Hears how much the namespaces hold in a shard. */
export interface UsageListener {
  /** The shard was opened: its namespaces hold this, and no other namespace has entries there. */
  opened(shard: number, namespaces: ShardReport['namespaces']): void;
  /** These namespaces have changed. */
  changed(shard: number, namespaces: ShardReport['namespaces']): void;
  /** The outcome of every change that was in doubt shows in the figures by now. */
  settled(shard: number): void;
}

export interface ShardLifecycleOptions {
  readonly location: ShardLocation;
  readonly fsync: FsyncMode;
  /** Starts a thread that has opened nothing yet. */
  readonly newThread: (onIdleDeath: (error: Error) => void) => TaskThread<ShardTasks>;
  /** The next timestamp. */
  readonly timestamp: () => number;
  readonly monotonicMs: () => number;
  /** Called before the shard is opened again: its earlier answers may no longer hold. */
  readonly onEpoch: (shard: number, why: string) => void;
  readonly onFailed: (shard: number, why: string) => void;
  /** Called when the shard stops serving until its disk works, and when the shard serves again. */
  readonly onSuspended: (shard: number, why: string) => void;
  readonly onResumed: (shard: number) => void;
  /** Called when puts begin, or cease, to find no room on disk. */
  readonly onDiskFull: (shard: number, isFull: boolean) => void;
  readonly usage: UsageListener;
  /** Ids of transactions over several shards that some participant may still have to remember. */
  readonly transactionsInFlight: () => ReadonlySet<string>;
}

/** Codes of errors that will be the same when the shard is opened again. */
const lasting: readonly string[] = ['STORE_DAMAGED', 'STORE_MISMATCH'];

export class ShardLifecycle {
  readonly syncSeconds = new Histogram(secondsBounds);
  readonly #options: ShardLifecycleOptions;
  readonly #sender: BatchSender;
  readonly #guard: RestartGuard;
  readonly #shard: number;
  #thread: ShardThread;
  #state: ShardState = 'opening';
  #reason: string | undefined = 'starting';
  #epoch = 0;
  #report: ShardReport | undefined;
  #entries: SharedEntries | undefined;
  #tornTails = 0;
  /** The work that a suspended shard tries again, and when. */
  #retry: (() => Promise<void>) | undefined;
  #retryAtMs = 0;
  /** True if the present thread has a shard to stop. */
  #isStarted = false;
  #reopening: Promise<void> | undefined;

  constructor(sender: BatchSender, options: ShardLifecycleOptions) {
    this.#sender = sender;
    this.#options = options;
    this.#shard = options.location.identity.shard;
    this.#guard = new RestartGuard(options.monotonicMs);
    this.#thread = this.#newThread();
  }

  get state(): ShardState {
    return this.#state;
  }

  /** Why the shard does not serve; undefined while it does. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Counts the lives of the thread: work that was begun in one must not end in another. */
  get epoch(): number {
    return this.#epoch;
  }

  get report(): ShardReport | undefined {
    return this.#report;
  }

  /** The entries in the thread's memory; undefined if they may not be those that callers may see. */
  get entries(): SharedEntries | undefined {
    return this.#entries;
  }

  /** Torn tails of journals that were cut off, since the start. */
  get tornTails(): number {
    return this.#tornTails;
  }

  unavailable(outcome: Outcome): StoreError {
    const detail = `Shard ${this.#shard} does not serve: ${this.#reason ?? 'its thread died'}.`;
    return new StoreError('SHARD_UNAVAILABLE', detail, { ...retrySoon, outcome });
  }

  /** See `ShardThread.open`. */
  async open(): Promise<OpenedReport> {
    const opened = await this.#thread.open();
    this.#tornTails += opened.torn.length;
    return opened;
  }

  /** See `ShardThread.outcomesOf`. */
  outcomesOf(transactions: readonly string[]): Promise<ReadonlyMap<string, boolean>> {
    return this.#thread.outcomesOf(transactions);
  }

  /** See `ShardThread.secure`. */
  secure(): Promise<void> {
    return this.#thread.secure();
  }

  /** See `ShardThread.start`. */
  async start(outcomes: ReadonlyMap<string, boolean> = new Map()): Promise<void> {
    const report = await this.#thread.start(outcomes, this.#options.transactionsInFlight());
    this.#options.usage.opened(this.#shard, report.namespaces);
    this.#report = report;
    this.#isStarted = true;
    this.#epoch += 1;
    this.#serve();
  }

  /** See `ShardThread.runParallel`. Also acts upon the death of the thread. */
  async runParallel<Name extends ParallelTask>(
    name: Name,
    task: ShardTasks[Name][0],
  ): Promise<TaskValue<Name>> {
    const thread = this.#thread;
    try {
      return await thread.runParallel(name, task, this.#report);
    } catch (error) {
      if (thread === this.#thread && !(error instanceof StoreError)) this.threadLost(String(error));
      throw error;
    }
  }

  /**
   * Gives up a hung thread, and retries the work that a suspended shard waits for.
   *
   * @param elapsedMs at most the time since the last tick; time in which the process was stopped
   *   does not count
   */
  tick(elapsedMs: number): void {
    if (this.#thread.tick(elapsedMs)) this.#threadHangs();
    const retry = this.#retry;
    if (retry === undefined || this.#options.monotonicMs() < this.#retryAtMs) return;
    this.#retry = undefined;
    void retry();
  }

  noteReport(report: ShardReport): void {
    const wasFull = this.#report?.isDiskFull ?? false;
    if (report.isDiskFull !== wasFull) this.#options.onDiskFull(this.#shard, report.isDiskFull);
    this.#report = report;
    if (!Number.isNaN(report.syncSeconds)) this.syncSeconds.observe(report.syncSeconds);
    if (report.isBroken) this.suspend('its journal could not be written or synced');
  }

  /** The one place that acts upon a thread's death, whichever call noticed the death first. */
  threadLost(why: string): void {
    // Before any caller hears of it: a thread that hangs may go on to change its memory.
    this.#entries = undefined;
    this.#sender.loseInFlight((outcome) => this.unavailable(outcome));
    if (this.#state === 'serving' || this.#state === 'suspended') {
      this.#reopening = this.#reopen(why);
    } else if (this.#state !== 'opening') {
      this.#sender.refuseAll(this.unavailable('not-applied'));
    }
  }

  /** Refuses operations until the journal is mended; a tick tries that again and again. */
  suspend(why: string): void {
    this.#suspend(why, () => this.#mend());
  }

  /**
   * Sends queued operations, leaves a durable mark and ends the thread.
   *
   * @param refusal for operations that the sender cannot send
   * @throws StoreError if the shard could not leave the mark, or if it does not serve and
   *   acknowledged writes may be unsynced; Error if the thread died
   */
  async close(refusal: StoreError): Promise<void> {
    // Writes of a dead thread may still need a sync: the shard is opened again for that.
    await this.#reopening;
    const isSuspended = this.#state === 'suspended';
    const canStop = this.#isStarted && (this.#state === 'serving' || isSuspended);
    const isDurable = canStop || this.#options.fsync === 'always';
    const error = isDurable ? undefined : this.unavailable('not-applied');
    this.#setState('closed', 'closing');
    try {
      if (!canStop || isSuspended) this.#sender.refuseAll(refusal);
      if (error !== undefined) throw error;
      if (!canStop) return;
      // Operations in flight to a suspended shard may come back; they are then sent once more.
      this.#sender.connect(this.#thread);
      await this.#sender.drained();
      await this.#thread.stop();
    } finally {
      await this.#thread.destroy();
    }
  }

  /** Ends the thread and writes nothing, for a store that does not start. */
  async abandon(): Promise<void> {
    this.#setState('closed', 'closed');
    await this.#thread.destroy();
  }

  #newThread(): ShardThread {
    const thread = this.#options.newThread((error) => {
      if (life === this.#thread) this.threadLost(error.message);
    });
    const life = new ShardThread(thread, this.#report, this.#options);
    return life;
  }

  #threadHangs(): void {
    // The call that opens the shard then rejects; see `#openingFailed`.
    if (this.#state === 'opening') void this.#thread.destroy();
    else this.threadLost('it hangs');
  }

  /** Never rejects: a failure ends in the state `failed` or `suspended`. */
  async #reopen(why: string): Promise<void> {
    this.#setState('opening', `its thread died (${why})`);
    this.#options.onEpoch(this.#shard, why);
    if (!this.#guard.mayRestart()) {
      await this.#thread.destroy();
      this.#fail(
        `its thread died again after ${this.#guard.restartsMax} restarts in a minute (${why})`,
      );
      return;
    }
    await this.#openNewThread();
  }

  /** Waits until the old thread has exited: two threads must never write to one file. */
  async #openNewThread(): Promise<void> {
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
      // The new thread died too, or hangs.
      const why = this.#thread.hasHung ? 'it hangs' : String(error);
      if (this.#state === 'opening') await this.#reopen(why);
      return;
    }
    if (lasting.includes(error.code)) {
      this.#fail(error.message);
      return;
    }
    this.#suspend(`it cannot be opened: ${error.message}`, () => {
      this.#setState('opening', this.#reason);
      this.#reopening = this.#openNewThread();
      return this.#reopening;
    });
  }

  #suspend(why: string, retry: () => Promise<void>): void {
    if (this.#state === 'failed' || this.#state === 'closed') return;
    if (this.#state !== 'suspended') this.#options.onSuspended(this.#shard, why);
    this.#setState('suspended', why);
    this.#retry = retry;
    this.#retryAtMs = this.#options.monotonicMs() + shardRetryMs;
    this.#sender.refuseWaiting(this.unavailable('not-applied'));
  }

  async #mend(): Promise<void> {
    const epoch = this.#epoch;
    try {
      const report = await this.runParallel('mend', this.#options.timestamp());
      if (this.#state !== 'suspended' || epoch !== this.#epoch) return;
      this.#report = report;
      this.#serve();
      this.#options.onResumed(this.#shard);
    } catch (error) {
      if (!(error instanceof StoreError) || this.#state !== 'suspended') return;
      this.suspend(`its journal could not be mended: ${error.message}`);
    }
  }

  #serve(): void {
    this.#setState('serving', undefined);
    if (this.#state !== 'serving') return;
    this.#options.usage.settled(this.#shard);
    this.#entries = this.#thread.entries;
    this.#sender.connect(this.#thread);
  }

  #fail(why: string): void {
    this.#retry = undefined;
    if (this.#state === 'failed' || this.#state === 'closed') return;
    this.#setState('failed', why);
    this.#options.onFailed(this.#shard, why);
    this.#sender.refuseAll(this.unavailable('not-applied'));
  }

  #setState(state: ShardState, reason: string | undefined): void {
    // Closing is for good, whatever the thread was doing. A closed shard still sends its queue.
    if (this.#state === 'closed') return;
    if (state !== 'serving' && state !== 'closed') this.#sender.disconnect();
    // A suspended shard has undone the batch that failed, so its memory is as callers know it.
    if (state !== 'serving' && state !== 'suspended') this.#entries = undefined;
    this.#retry = undefined;
    this.#state = state;
    this.#reason = reason;
  }
}
