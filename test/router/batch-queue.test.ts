import { describe, expect, test } from 'vitest';
import { batchBytesMax, batchOperationsMax, queueWaitForMoreMs } from '../../src/base/limits.ts';
import { BatchQueue } from '../../src/router/batch-queue.ts';
import { Ticket } from '../../src/router/ticket.ts';
import { get, put } from '../support/store-contract.ts';

function queueOf(...tickets: Ticket[]): BatchQueue {
  const queue = new BatchQueue();
  for (const each of tickets) queue.push(each);
  return queue;
}

function ticket(bytes: number): Ticket {
  return new Ticket(put('k', Buffer.alloc(bytes)), () => {});
}

describe('a batch', () => {
  test('is all that waits, in order, where that is little', () => {
    const tickets = [ticket(1), ticket(2), ticket(3)];
    const queue = queueOf(...tickets);
    expect(queue.takeBatch()).toEqual(tickets);
    expect(queue).toMatchObject({ operations: 0, bytes: 0 });
  });

  test('has no more operations than a batch may have', () => {
    const queue = queueOf(
      ...Array.from({ length: batchOperationsMax + 1 }, () => new Ticket(get('k'), () => {})),
    );
    expect(queue.takeBatch()).toHaveLength(batchOperationsMax);
    expect(queue.takeBatch()).toHaveLength(1);
    expect(queue.takeBatch()).toHaveLength(0);
  });

  test('has no more bytes than a batch may have, but for one operation that goes alone', () => {
    const queue = queueOf(ticket(10), ticket(batchBytesMax), ticket(batchBytesMax * 3), ticket(10));
    expect([1, 2, 3, 4].map(() => queue.takeBatch().length)).toEqual([1, 1, 1, 1]);
    expect(queue.bytes).toBe(0);
  });

  test('that is put back comes before what came later', () => {
    const [first, second, third] = [ticket(1), ticket(2), ticket(3)];
    const queue = queueOf(first, second);
    const batch = queue.takeBatch();
    queue.push(third);
    queue.putBack(batch.slice(1));
    expect(queue.bytes).toBe(second.bytes + third.bytes);
    expect(queue.takeBatch()).toEqual([second, third]);
  });
});

describe('room', () => {
  test('there is always some for one, and none behind one that has waited too long', () => {
    const queue = new BatchQueue();
    expect(queue.hasRoom(1, Infinity, Infinity)).toBe(true);
    const [first, second] = [ticket(1), ticket(1)];
    first.queuedAtMs = 1000;
    second.queuedAtMs = 2000;
    queue.push(first);
    queue.push(second);
    expect(queue.hasRoom(1, 1, 1000 + queueWaitForMoreMs)).toBe(true);
    expect(queue.hasRoom(1, 1, 1001 + queueWaitForMoreMs)).toBe(false);
    queue.takeQueuedBefore(2000);
    expect(queue.hasRoom(1, 1, 1001 + queueWaitForMoreMs)).toBe(true);
  });
});
