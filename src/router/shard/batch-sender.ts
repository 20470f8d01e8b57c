// What waits for one shard, and what is on its way to it: batches leave one at a time and in order,
// and every operation is completed once. Knows neither the states of a shard nor its thread: it is told
// whether batches may leave, and what came of each.
import { StoreError } from '../../base/errors.ts';
import type { ShardReport, ShardResult } from '../../protocol/shard-operation.ts';
import { BatchQueue } from './batch-queue.ts';
import type { QueuedOperation } from './queued-operation.ts';

/** What became of a batch, or of a cut. */
export interface BatchAnswer {
  /** In order. Fewer than the operations if the others would not fit: the rest has not been run. */
  readonly results: readonly ShardResult[];
  readonly report: ShardReport | undefined;
}

export interface BatchSenderOptions {
  /** Does the work at the end of this turn of the event loop. */
  readonly defer: (work: () => void) => void;
  readonly monotonicMs: () => number;
  /** Whether the shard takes batches at the moment. */
  readonly maySend: () => boolean;
  /** A batch, or one cut. Rejects if it cannot be known what became of it. */
  readonly send: (batch: readonly QueuedOperation[]) => Promise<BatchAnswer>;
  /** Called once all operations of an answer are completed. */
  readonly onReport: (report: ShardReport) => void;
  /** Called if `send` rejected: the batch is still in flight, see `takeInFlight`. */
  readonly onLost: (error: unknown) => void;
}

const stuck = new StoreError(
  'SHUTTING_DOWN',
  'There is no room on disk, and the store is closing.',
);

/** Turns of the event loop that a batch may wait for more to join it. */
const turnsMax = 2;

export class BatchSender {
  readonly #options: BatchSenderOptions;
  readonly #queue = new BatchQueue();
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

  /** Since when there was nothing to do, in milliseconds; 0 while there is. */
  get idleMs(): number {
    if (this.#inFlight !== undefined || this.#queue.operations > 0) return 0;
    return this.#options.monotonicMs() - this.#answeredAtMs;
  }

  hasRoom(operations: number, bytes: number): boolean {
    return this.#queue.hasRoom(operations, bytes, this.#options.monotonicMs());
  }

  /** @returns false, and does nothing, where there is no room for it */
  offer(queued: QueuedOperation): boolean {
    const nowMs = this.#options.monotonicMs();
    if (!queued.mustDeliver && !this.#queue.hasRoom(1, queued.bytes, nowMs)) return false;
    queued.queuedAtMs = nowMs;
    this.#queue.push(queued);
    this.planTurn();
    return true;
  }

  /**
   * Has a batch leave at the end of the first turn of the event loop in which nothing joined it: a
   * busy server so shares its syncs among more, and an idle one answers at once. There is no timer.
   */
  planTurn(): void {
    if (this.#isTurnPlanned || this.#inFlight !== undefined) return;
    this.#isTurnPlanned = true;
    this.#endTurn(this.#queue.operations, turnsMax);
  }

  /** Resolves once nothing waits and nothing is in flight. From now on nothing is asked again. */
  drained(): Promise<void> {
    this.#isClosing = true;
    return new Promise((resolve) => {
      this.#onDrained = resolve;
      this.planTurn();
    });
  }

  /** All but what must arrive. */
  refuseWaiting(error: StoreError): void {
    for (const queued of this.#queue.takeWaiting()) queued.complete({ kind: 'refused', error });
  }

  /** For a shard that takes nothing any more. */
  refuseAll(error: StoreError): void {
    for (const queued of this.#queue.takeAll()) queued.complete({ kind: 'refused', error });
    this.#onDrained?.();
  }

  refuseQueuedBefore(monotonicMs: number, error: StoreError): void {
    for (const queued of this.#queue.takeQueuedBefore(monotonicMs)) {
      queued.complete({ kind: 'refused', error });
    }
  }

  /** Gives up what is in flight, to be completed or put back. Its answer, should it come, is dropped. */
  takeInFlight(): readonly QueuedOperation[] {
    const batch = this.#inFlight ?? [];
    this.#inFlight = undefined;
    return batch;
  }

  /** To the front of the queue. */
  putBack(batch: readonly QueuedOperation[]): void {
    this.#queue.putBack(batch);
    for (const queued of batch) queued.onDelay();
  }

  /** Nothing was run: the shard can not take the first of them now, and there is no later. */
  #resultOfStuck(queued: QueuedOperation, answered: number): ShardResult | undefined {
    if (!this.#isClosing || answered > 0 || !queued.mustDeliver) return undefined;
    return { kind: 'refused', error: stuck };
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

  /** One batch is in flight at a time; what arrives meanwhile leaves as the next. */
  #sendNext(): void {
    if (this.#inFlight !== undefined || !this.#options.maySend()) return;
    const batch = this.#queue.takeBatch();
    if (batch.length === 0) {
      this.#onDrained?.();
      return;
    }
    this.#inFlight = batch;
    void this.#completeAnswered(batch);
  }

  async #completeAnswered(batch: readonly QueuedOperation[]): Promise<void> {
    let answer: BatchAnswer;
    try {
      answer = await this.#options.send(batch);
    } catch (error) {
      if (this.#inFlight === batch) this.#options.onLost(error);
      return;
    }
    // Given up meanwhile, and settled by whoever did that.
    if (this.#inFlight !== batch) return;
    this.#inFlight = undefined;
    this.#answeredAtMs = this.#options.monotonicMs();
    const { results, report } = answer;
    const again: QueuedOperation[] = [];
    let isShort = false;
    for (const [index, queued] of batch.entries()) {
      const result = results[index] ?? this.#resultOfStuck(queued, results.length);
      const isAgain = queued.mustDeliver && result?.kind === 'refused' && !this.#isClosing;
      if (isAgain) queued.onDelay();
      if (result === undefined || isAgain) again.push(queued);
      else queued.complete(result);
      isShort ||= queued.mustDeliver && !isAgain && result?.kind === 'refused';
    }
    if (again.length > 0) this.#queue.putBack(again);
    // What comes behind would see this shard without what others have carried out.
    if (isShort) this.refuseAll(stuck);
    if (report !== undefined) this.#options.onReport(report);
    this.planTurn();
  }
}
