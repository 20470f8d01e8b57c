// Owns the operations that wait for one shard, and those in flight to its thread. Batches leave one
// at a time and in order, and every operation is completed once. Knows neither the states of a
// shard nor the lives of its thread. The sender is connected to one thread that takes batches, or
// to none.
import { assert } from '../../base/assert.ts';
import { StoreError, type Outcome } from '../../base/errors.ts';
import { batchSizeBounds, Histogram } from '../../base/histogram.ts';
import type { Parcel } from '../../protocol/parcel.ts';
import {
  isEntryRead,
  isEntryWrite,
  type BatchReply,
  type ShardOperation,
  type ShardReport,
  type ShardResult,
} from '../../protocol/shard-operation.ts';
import { BatchQueue } from './batch-queue.ts';
import type { QueuedOperation } from './queued-operation.ts';

/**
 * A thread that takes batches. A call rejects with an Error if the fate of its batch is unknown.
 */
export interface BatchReceiver {
  batch(operations: readonly ShardOperation[]): Promise<BatchReply<ShardResult>>;
  cut(): Promise<Parcel>;
}

/** The answer to a batch, or to a cut. */
interface BatchAnswer {
  /**
   * In order. Fewer than the operations if the others would not fit: the shard has not run the
   * rest.
   */
  readonly results: readonly ShardResult[];
  readonly report: ShardReport | undefined;
}

export interface BatchSenderOptions {
  /** Runs `work` at the end of this turn of the event loop. */
  readonly defer: (work: () => void) => void;
  readonly monotonicMs: () => number;
  /** Called when a batch has left the queue. */
  readonly onBatchLeft: () => void;
  /** Called before any operation of an answer is completed, with the figures that came along. */
  readonly onUsage: (namespaces: ShardReport['namespaces']) => void;
  /** Called once all operations of an answer are completed. */
  readonly onReport: (report: ShardReport) => void;
  /** Called if a batch was lost with its thread. The batch stays in flight; see `loseInFlight`. */
  readonly onLost: (error: unknown) => void;
}

const stuck = new StoreError(
  'SHUTTING_DOWN',
  'There is no room on disk, and the store is closing.',
);

/** Turns of the event loop that a batch may wait for more operations to join. */
const turnsMax = 2;

/**
 * True if the sender sends an operation again after its thread died, as if it had not been sent. A
 * read is sent again only once, because it may be the cause of the death.
 */
function isAskedAgain({ operation, mustDeliver, threadsLost }: QueuedOperation): boolean {
  if (threadsLost > 1 && !mustDeliver) return false;
  return mustDeliver || isEntryRead(operation);
}

export class BatchSender {
  readonly batchOperations = new Histogram(batchSizeBounds);
  readonly #options: BatchSenderOptions;
  readonly #queue = new BatchQueue();
  #receiver: BatchReceiver | undefined;
  #inFlight: readonly QueuedOperation[] | undefined;
  #isTurnPlanned = false;
  #onDrained: (() => void) | undefined;
  #isClosing = false;
  #answeredAtMs: number;

  constructor(options: BatchSenderOptions) {
    this.#options = options;
    this.#answeredAtMs = options.monotonicMs();
  }

  get waitingOperations(): number {
    return this.#queue.operations;
  }

  get waitingBytes(): number {
    return this.#queue.bytes;
  }

  /** Milliseconds since the last answer; 0 while an operation waits or is in flight. */
  get idleMs(): number {
    if (this.#inFlight !== undefined || this.#queue.operations > 0) return 0;
    return this.#options.monotonicMs() - this.#answeredAtMs;
  }

  /** Sends batches to this thread from now on. */
  connect(receiver: BatchReceiver): void {
    this.#receiver = receiver;
    this.#planTurn();
  }

  /** Holds batches back until a thread is connected again. */
  disconnect(): void {
    this.#receiver = undefined;
  }

  /** The position of the operation that was queued last; 0 if none was. */
  get lastPosition(): number {
    return this.#queue.lastPosition;
  }

  /** The position of the first operation that has no answer yet; Infinity if all have one. */
  get openPosition(): number {
    return (this.#inFlight?.[0] ?? this.#queue.first)?.position ?? Infinity;
  }

  hasRoom(operations: number, bytes: number): boolean {
    return this.#queue.hasRoom(operations, bytes, this.#options.monotonicMs());
  }

  /** @returns false, and does nothing, if there is no room for the operation */
  offer(queued: QueuedOperation): boolean {
    const nowMs = this.#options.monotonicMs();
    if (!queued.mustDeliver && !this.#queue.hasRoom(1, queued.bytes, nowMs)) return false;
    queued.queuedAtMs = nowMs;
    this.#queue.push(queued);
    this.#planTurn();
    return true;
  }

  /**
   * Resolves once nothing waits and nothing is in flight. The sender sends nothing a second time
   * from now on.
   */
  drained(): Promise<void> {
    this.#isClosing = true;
    return new Promise((resolve) => {
      this.#onDrained = resolve;
      this.#planTurn();
    });
  }

  /** Refuses all waiting operations, except those that must be delivered. */
  refuseWaiting(error: StoreError): void {
    for (const queued of this.#queue.takeWaiting()) queued.complete({ kind: 'refused', error });
  }

  /** Refuses all waiting operations, for a shard that takes nothing any more. */
  refuseAll(error: StoreError): void {
    for (const queued of this.#queue.takeAll()) queued.complete({ kind: 'refused', error });
    this.#onDrained?.();
  }

  refuseQueuedBefore(monotonicMs: number, error: StoreError): void {
    for (const queued of this.#queue.takeQueuedBefore(monotonicMs)) {
      queued.complete({ kind: 'refused', error });
    }
  }

  /**
   * Completes or puts back the batch in flight, after its thread is gone. Nothing tells which
   * writes of the batch are on disk: their outcome is unknown. Reads of entries by key changed
   * nothing and are sent again. Outcomes are sent again because they must be delivered. Pages,
   * counts and cuts belong to one moment over all shards, which has passed: they are refused. The
   * sender drops an answer that still comes.
   */
  loseInFlight(unavailable: (outcome: Outcome) => StoreError): void {
    const batch = this.#inFlight ?? [];
    this.#inFlight = undefined;
    for (const queued of batch) queued.threadsLost += 1;
    const again = batch.filter(isAskedAgain);
    this.#queue.putBack(again);
    for (const queued of again) queued.onDelay();
    for (const queued of batch.filter((each) => !isAskedAgain(each))) {
      const error = unavailable(isEntryWrite(queued.operation) ? 'unknown' : 'not-applied');
      queued.complete({ kind: 'refused', error });
    }
  }

  /**
   * Sends a batch at the end of the first turn of the event loop in which no operation joined. A
   * busy server thus shares a sync among more writers, and an idle one answers at once. There is no
   * timer.
   */
  #planTurn(): void {
    if (this.#isTurnPlanned || this.#inFlight !== undefined) return;
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
      this.#sendNext();
    });
  }

  /** One batch is in flight at a time; operations that arrive meanwhile leave as the next one. */
  #sendNext(): void {
    if (this.#inFlight !== undefined) return;
    if (this.#queue.operations === 0) {
      this.#onDrained?.();
      return;
    }
    if (this.#receiver === undefined) return;
    const batch = this.#queue.takeBatch();
    this.#inFlight = batch;
    void this.#send(batch, this.#receiver);
    this.#options.onBatchLeft();
  }

  async #send(batch: readonly QueuedOperation[], receiver: BatchReceiver): Promise<void> {
    let answer: BatchAnswer;
    try {
      answer = await this.#answerOf(batch, receiver);
    } catch (error) {
      if (this.#inFlight === batch) this.#options.onLost(error);
      return;
    }
    // The batch was lost meanwhile; see `loseInFlight`.
    if (this.#inFlight !== batch) return;
    this.#inFlight = undefined;
    this.#answeredAtMs = this.#options.monotonicMs();
    const { results, report } = answer;
    if (report !== undefined) this.#options.onUsage(report.namespaces);
    this.#completeAnswered(batch, results);
    if (report !== undefined) this.#options.onReport(report);
    this.#planTurn();
  }

  /** A cut is alone in its batch; see BatchQueue. */
  async #answerOf(
    batch: readonly QueuedOperation[],
    receiver: BatchReceiver,
  ): Promise<BatchAnswer> {
    if (batch[0]?.operation.op !== 'cut') {
      const answer = await receiver.batch(
        batch.map(({ operation }) => operation as ShardOperation),
      );
      assert(answer.results.length <= batch.length, 'a shard answers only what it was sent');
      this.batchOperations.observe(answer.results.length);
      return answer;
    }
    const report = undefined;
    try {
      return { results: [{ kind: 'cut', parcel: await receiver.cut() }], report };
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return { results: [{ kind: 'refused', error }], report };
    }
  }

  #completeAnswered(batch: readonly QueuedOperation[], results: readonly ShardResult[]): void {
    const resultOf = (index: number, queued: QueuedOperation): ShardResult | undefined => {
      const result = results[index] ?? this.#resultOfStuck(queued, results.length);
      const isAgain = queued.mustDeliver && result?.kind === 'refused' && !this.#isClosing;
      return isAgain ? undefined : result;
    };
    const again = batch.filter((queued, index) => resultOf(index, queued) === undefined);
    // First: a caller that is answered may read at once, and must not see past an open operation.
    if (again.length > 0) this.#queue.putBack(again);
    let lacksOutcome = false;
    for (const [index, queued] of batch.entries()) {
      const result = resultOf(index, queued);
      if (result !== undefined) queued.complete(result);
      else if (results[index] !== undefined) queued.onDelay();
      lacksOutcome ||= queued.mustDeliver && result?.kind === 'refused';
    }
    // Later operations would see this shard without changes that other shards have carried out.
    if (lacksOutcome) this.refuseAll(stuck);
  }

  /**
   * Refuses an operation that must be delivered if the store is closing and the shard ran nothing.
   * The shard has no room for the first operation, and there is no later try.
   */
  #resultOfStuck(queued: QueuedOperation, answered: number): ShardResult | undefined {
    if (!this.#isClosing || answered > 0 || !queued.mustDeliver) return undefined;
    return { kind: 'refused', error: stuck };
  }
}
