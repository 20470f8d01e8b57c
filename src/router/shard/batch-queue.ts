// Owns the operations that wait for one shard: first in, first out, bounded in number and bytes.
// Knows neither the thread nor the states of the shard.
import {
  batchBytesMax,
  batchOperationsMax,
  queueBytesMax,
  queueOperationsMax,
  queueWaitForMoreMs,
} from '../../base/limits.ts';
import type { QueuedOperation } from './queued-operation.ts';

export class BatchQueue {
  #waiting: QueuedOperation[] = [];
  #bytes = 0;
  #lastPosition = 0;

  get operations(): number {
    return this.#waiting.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * True if so many more operations of so many bytes may wait. An empty queue takes operations of
   * any size. Operations that must be delivered do not count.
   */
  hasRoom(operations: number, bytes: number, nowMs: number): boolean {
    const first = this.#waiting.find(({ mustDeliver }) => !mustDeliver);
    if (first === undefined) return true;
    if (nowMs - first.queuedAtMs > queueWaitForMoreMs) return false;
    return (
      this.operations + operations <= queueOperationsMax && this.#bytes + bytes <= queueBytesMax
    );
  }

  /** The position of the operation that was queued last; 0 if none was. */
  get lastPosition(): number {
    return this.#lastPosition;
  }

  /** The first operation that waits. */
  get first(): QueuedOperation | undefined {
    return this.#waiting[0];
  }

  push(queued: QueuedOperation): void {
    this.#lastPosition += 1;
    queued.position = this.#lastPosition;
    this.#waiting.push(queued);
    this.#bytes += queued.bytes;
  }

  /** Puts operations back at the head of the queue. */
  putBack(operations: readonly QueuedOperation[]): void {
    this.#waiting = [...operations, ...this.#waiting];
    for (const { bytes } of operations) this.#bytes += bytes;
  }

  /**
   * Takes the next batch: as many operations as fit. An operation that is larger goes alone, and so
   * does a cut.
   */
  takeBatch(): QueuedOperation[] {
    let bytes = 0;
    let count = 0;
    for (const queued of this.#waiting) {
      const isAlone = queued.operation.op === 'cut';
      const isFull = count > 0 && (isAlone || bytes + queued.bytes > batchBytesMax);
      if (isFull || count === batchOperationsMax) break;
      bytes += queued.bytes;
      count += 1;
      if (isAlone) break;
    }
    this.#bytes -= bytes;
    return this.#waiting.splice(0, count);
  }

  /** Takes the operations that were queued before this time and may be refused. */
  takeQueuedBefore(monotonicMs: number): QueuedOperation[] {
    const first = this.#waiting.findIndex(({ queuedAtMs }) => queuedAtMs >= monotonicMs);
    const count = first === -1 ? this.#waiting.length : first;
    return count === 0 ? [] : this.#takeFirst(count);
  }

  /** Takes all operations that may be refused. */
  takeWaiting(): QueuedOperation[] {
    return this.#takeFirst(this.#waiting.length);
  }

  takeAll(): QueuedOperation[] {
    this.#bytes = 0;
    return this.#waiting.splice(0);
  }

  #takeFirst(count: number): QueuedOperation[] {
    const first = this.#waiting.splice(0, count);
    const kept = first.filter(({ mustDeliver }) => mustDeliver);
    if (kept.length > 0) this.#waiting.unshift(...kept);
    for (const queued of kept) queued.onDelay();
    const taken = first.filter(({ mustDeliver }) => !mustDeliver);
    for (const { bytes } of taken) this.#bytes -= bytes;
    return taken;
  }
}
