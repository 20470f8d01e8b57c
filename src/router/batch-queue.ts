// What waits for one shard: first in, first out, bounded in operations and bytes.
import {
  batchBytesMax,
  batchOperationsMax,
  queueBytesMax,
  queueOperationsMax,
  queueWaitForMoreMs,
} from '../base/limits.ts';
import type { Ticket } from './ticket.ts';

export class BatchQueue {
  #tickets: Ticket[] = [];
  #bytes = 0;

  get operations(): number {
    return this.#tickets.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether so many more operations of so many bytes may wait. One always may, however large. */
  hasRoom(operations: number, bytes: number, nowMs: number): boolean {
    const first = this.#tickets.find(({ mustArrive }) => !mustArrive);
    if (first === undefined) return true;
    if (nowMs - first.queuedAtMs > queueWaitForMoreMs) return false;
    return (
      this.operations + operations <= queueOperationsMax && this.#bytes + bytes <= queueBytesMax
    );
  }

  push(ticket: Ticket): void {
    this.#tickets.push(ticket);
    this.#bytes += ticket.bytes;
  }

  /** Puts tickets back to where they were taken from. */
  putBack(tickets: readonly Ticket[]): void {
    this.#tickets = [...tickets, ...this.#tickets];
    for (const { bytes } of tickets) this.#bytes += bytes;
  }

  /**
   * The next batch: as much as may go together; a larger operation, or a cut, goes alone. A page or
   * a count sees what stood before its batch, and so goes behind one that decides a transaction.
   */
  takeBatch(): Ticket[] {
    let bytes = 0;
    let count = 0;
    let decides = false;
    for (const ticket of this.#tickets) {
      const { op } = ticket.operation;
      const isAlone = op === 'cut' || (decides && (op === 'list' || op === 'count'));
      const isFull = count > 0 && (isAlone || bytes + ticket.bytes > batchBytesMax);
      if (isFull || count === batchOperationsMax) break;
      bytes += ticket.bytes;
      count += 1;
      decides ||= op === 'decide';
      if (isAlone) break;
    }
    this.#bytes -= bytes;
    return this.#tickets.splice(0, count);
  }

  /** Those that were queued before this time and need not arrive. */
  takeQueuedBefore(monotonicMs: number): Ticket[] {
    const first = this.#tickets.findIndex(({ queuedAtMs }) => queuedAtMs >= monotonicMs);
    const count = first === -1 ? this.#tickets.length : first;
    return count === 0 ? [] : this.#takeFirst(count);
  }

  /** All that need not arrive. */
  takeWaiting(): Ticket[] {
    return this.#takeFirst(this.#tickets.length);
  }

  takeAll(): Ticket[] {
    this.#bytes = 0;
    return this.#tickets.splice(0);
  }

  #takeFirst(count: number): Ticket[] {
    const first = this.#tickets.splice(0, count);
    const kept = first.filter(({ mustArrive }) => mustArrive);
    if (kept.length > 0) this.#tickets.unshift(...kept);
    for (const ticket of kept) ticket.onDelay();
    const taken = first.filter(({ mustArrive }) => !mustArrive);
    for (const { bytes } of taken) this.#bytes -= bytes;
    return taken;
  }
}
