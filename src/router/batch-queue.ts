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
  #head = 0;
  #bytes = 0;

  get operations(): number {
    return this.#tickets.length - this.#head;
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
    this.#tickets = [...tickets, ...this.#tickets.slice(this.#head)];
    this.#head = 0;
    for (const { bytes } of tickets) this.#bytes += bytes;
  }

  /** The next batch: as much as may go together; a larger operation goes alone. */
  takeBatch(): Ticket[] {
    const start = this.#head;
    let bytes = 0;
    while (this.#head < this.#tickets.length && this.#head - start < batchOperationsMax) {
      const next = this.#tickets[this.#head]?.bytes ?? 0;
      if (bytes > 0 && bytes + next > batchBytesMax) break;
      bytes += next;
      this.#head += 1;
    }
    const batch = this.#tickets.slice(start, this.#head);
    this.#bytes -= bytes;
    this.#forgetTaken();
    return batch;
  }

  takeAll(): Ticket[] {
    const all = this.#tickets.slice(this.#head);
    this.#tickets = [];
    this.#head = 0;
    this.#bytes = 0;
    return all;
  }

  /** Only now and then, so that taking a batch costs the batch and not the queue. */
  #forgetTaken(): void {
    if (this.#head === this.#tickets.length) {
      this.#tickets = [];
      this.#head = 0;
    } else if (this.#head > queueOperationsMax / 4) {
      this.#tickets = this.#tickets.slice(this.#head);
      this.#head = 0;
    }
  }
}
