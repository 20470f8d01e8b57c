// What waits for one shard, and what is on its way to it: batches leave one at a time and in order,
// and every ticket is answered once. Knows neither the states of a shard nor its thread: it is told
// whether batches may leave, and what came of each.
import { StoreError } from '../base/errors.ts';
import type { ShardReport, ShardResult } from '../protocol/shard-operation.ts';
import { BatchQueue } from './batch-queue.ts';
import type { Ticket } from './ticket.ts';

/** What became of a batch, or of a cut. */
export interface BatchAnswer {
  /** In order. Fewer than the tickets where they would not fit: the rest has not been run. */
  readonly results: readonly ShardResult[];
  readonly report: ShardReport | undefined;
}

export interface BatchSenderOptions {
  /** Does the work at the end of this turn of the event loop. */
  readonly defer: (work: () => void) => void;
  readonly monotonicMs: () => number;
  /** Whether the shard takes batches at the moment. */
  readonly maySend: () => boolean;
  /** A batch, or one cut. Rejects where nobody can know what became of it. */
  readonly send: (tickets: readonly Ticket[]) => Promise<BatchAnswer>;
  /** Called once all tickets of an answer are settled. */
  readonly onReport: (report: ShardReport) => void;
  /** Called where `send` rejected: the tickets are still under way, see `takeUnderWay`. */
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
  #underWay: readonly Ticket[] | undefined;
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
    if (this.#underWay !== undefined || this.#queue.operations > 0) return 0;
    return this.#options.monotonicMs() - this.#answeredAtMs;
  }

  hasRoom(operations: number, bytes: number): boolean {
    return this.#queue.hasRoom(operations, bytes, this.#options.monotonicMs());
  }

  /** @returns false, and does nothing, where there is no room for it */
  offer(ticket: Ticket): boolean {
    const nowMs = this.#options.monotonicMs();
    if (!ticket.mustArrive && !this.#queue.hasRoom(1, ticket.bytes, nowMs)) return false;
    ticket.queuedAtMs = nowMs;
    this.#queue.push(ticket);
    this.planTurn();
    return true;
  }

  /**
   * Has a batch leave at the end of the first turn of the event loop in which nothing joined it: a
   * busy server so shares its syncs among more, and an idle one answers at once. There is no timer.
   */
  planTurn(): void {
    if (this.#isTurnPlanned || this.#underWay !== undefined) return;
    this.#isTurnPlanned = true;
    this.#endTurn(this.#queue.operations, turnsMax);
  }

  /** Resolves once nothing waits and nothing is under way. From now on nothing is asked again. */
  drained(): Promise<void> {
    this.#isClosing = true;
    return new Promise((resolve) => {
      this.#onDrained = resolve;
      this.planTurn();
    });
  }

  /** All but what must arrive. */
  refuseWaiting(error: StoreError): void {
    for (const ticket of this.#queue.takeWaiting()) ticket.settle({ kind: 'refused', error });
  }

  /** For a shard that takes nothing any more. */
  refuseAll(error: StoreError): void {
    for (const ticket of this.#queue.takeAll()) ticket.settle({ kind: 'refused', error });
    this.#onDrained?.();
  }

  refuseQueuedBefore(monotonicMs: number, error: StoreError): void {
    for (const ticket of this.#queue.takeQueuedBefore(monotonicMs)) {
      ticket.settle({ kind: 'refused', error });
    }
  }

  /** Gives up what is under way, to be settled or put back. Its answer, should it come, is dropped. */
  takeUnderWay(): readonly Ticket[] {
    const tickets = this.#underWay ?? [];
    this.#underWay = undefined;
    return tickets;
  }

  /** To the front of the queue. */
  putBack(tickets: readonly Ticket[]): void {
    this.#queue.putBack(tickets);
    for (const ticket of tickets) ticket.onDelay();
  }

  /** Nothing was run: the shard can not take the first of them now, and there is no later. */
  #resultOfStuck(ticket: Ticket, answered: number): ShardResult | undefined {
    if (!this.#isClosing || answered > 0 || !ticket.mustArrive) return undefined;
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

  /** One batch is under way at a time; what arrives meanwhile leaves as the next. */
  #sendNext(): void {
    if (this.#underWay !== undefined || !this.#options.maySend()) return;
    const tickets = this.#queue.takeBatch();
    if (tickets.length === 0) {
      this.#onDrained?.();
      return;
    }
    this.#underWay = tickets;
    void this.#settleAnswered(tickets);
  }

  async #settleAnswered(tickets: readonly Ticket[]): Promise<void> {
    let answer: BatchAnswer;
    try {
      answer = await this.#options.send(tickets);
    } catch (error) {
      if (this.#underWay === tickets) this.#options.onLost(error);
      return;
    }
    // Given up meanwhile, and settled by whoever did that.
    if (this.#underWay !== tickets) return;
    this.#underWay = undefined;
    this.#answeredAtMs = this.#options.monotonicMs();
    const { results, report } = answer;
    const again: Ticket[] = [];
    let isShort = false;
    for (const [index, ticket] of tickets.entries()) {
      const result = results[index] ?? this.#resultOfStuck(ticket, results.length);
      const isAgain = ticket.mustArrive && result?.kind === 'refused' && !this.#isClosing;
      if (isAgain) ticket.onDelay();
      if (result === undefined || isAgain) again.push(ticket);
      else ticket.settle(result);
      isShort ||= ticket.mustArrive && !isAgain && result?.kind === 'refused';
    }
    if (again.length > 0) this.#queue.putBack(again);
    // What comes behind would see this shard without what others have carried out.
    if (isShort) this.refuseAll(stuck);
    if (report !== undefined) this.#options.onReport(report);
    this.planTurn();
  }
}
