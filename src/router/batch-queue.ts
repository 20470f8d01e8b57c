// What waits for one shard: first in, first out, bounded in operations and bytes.
import {
  batchBytesMax,
  batchOperationsMax,
  queueBytesMax,
  queueOperationsMax,
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
  hasRoom(operations: number, bytes: number): boolean {
    if (this.operations === 0) return true;
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

  /** The next batch: as much as may go together; a larger operation goes alone. */
  takeBatch(): Ticket[] {
    let bytes = 0;
    let count = 0;
    for (const ticket of this.#tickets) {
      const isFull = count > 0 && bytes + ticket.bytes > batchBytesMax;
      if (isFull || count === batchOperationsMax) break;
      bytes += ticket.bytes;
      count += 1;
    }
    this.#bytes -= bytes;
    return this.#tickets.splice(0, count);
  }

  takeAll(): Ticket[] {
    this.#bytes = 0;
    return this.#tickets.splice(0);
  }
}
