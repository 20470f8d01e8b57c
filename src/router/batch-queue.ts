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
    const [first] = this.#tickets;
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

  /** The next batch: as much as may go together; a larger operation, or a cut, goes alone. */
  takeBatch(): Ticket[] {
    let bytes = 0;
    let count = 0;
    for (const ticket of this.#tickets) {
      const isAlone = ticket.operation.op === 'cut';
      const isFull = count > 0 && (isAlone || bytes + ticket.bytes > batchBytesMax);
      if (isFull || count === batchOperationsMax) break;
      bytes += ticket.bytes;
      count += 1;
      if (isAlone) break;
    }
    this.#bytes -= bytes;
    return this.#tickets.splice(0, count);
  }

  /** Those at the front that were queued before this time. */
  takeQueuedBefore(monotonicMs: number): Ticket[] {
    const first = this.#tickets.findIndex(({ queuedAtMs }) => queuedAtMs >= monotonicMs);
    if (first === -1) return this.takeAll();
    if (first === 0) return [];
    const taken = this.#tickets.splice(0, first);
    for (const { bytes } of taken) this.#bytes -= bytes;
    return taken;
  }

  takeAll(): Ticket[] {
    this.#bytes = 0;
    return this.#tickets.splice(0);
  }
}
