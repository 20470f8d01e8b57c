import { describe, expect, test } from 'vitest';
import { batchBytesMax, batchOperationsMax, queueWaitForMoreMs } from '../../src/base/limits.ts';
import { BatchQueue } from '../../src/router/batch-queue.ts';
import { Ticket } from '../../src/router/ticket.ts';
import { get, listOf, put } from '../support/stores/operations.ts';

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

const list = { op: 'list', query: listOf({}), now: 0 } as const;
const count = { op: 'count', namespace: 'default', now: 0 } as const;
const cut = { op: 'cut' } as const;

function ticketOf(operation: Ticket['operation'], queuedAtMs = 0): Ticket {
  return Object.assign(new Ticket(operation, () => {}), { queuedAtMs });
}

const decision = (queuedAtMs = 0): Ticket =>
  ticketOf({ op: 'decide', transaction: 't', commit: true }, queuedAtMs);

describe('a page or a count', () => {
  test.each([list, count])('is in one batch with what stands before it: %j', (operation) => {
    const tickets = [ticket(1), ticketOf(operation), ticket(1)];
    expect(queueOf(...tickets).takeBatch()).toEqual(tickets);
  });

  test.each([list, count])(
    'goes behind a batch that decides a transaction, whose changes it has to see: %j',
    (operation) => {
      const looks = ticketOf(operation);
      const tickets = [ticket(1), decision(), ticket(1), looks, ticket(1), looks];
      const queue = queueOf(...tickets);
      expect(queue.takeBatch()).toEqual(tickets.slice(0, 3));
      expect(queue.takeBatch()).toEqual(tickets.slice(3));
      expect(queue.bytes).toBe(0);
    },
  );

  test('is not held up by a decision behind it', () => {
    const tickets = [ticketOf(list), decision(), ticket(1)];
    expect(queueOf(...tickets).takeBatch()).toEqual(tickets);
  });

  test('a cut goes alone, whatever stands before and behind it', () => {
    const tickets = [decision(), ticketOf(cut), ticketOf(cut), ticket(1)];
    const queue = queueOf(...tickets);
    for (const each of tickets) expect(queue.takeBatch()).toEqual([each]);
  });
});

describe('what must arrive', () => {
  test('is neither refused for its age nor for a shard that does not serve, and keeps its place', () => {
    const [early, late, later] = [ticketOf(get('k'), 10), ticketOf(get('k'), 20), ticket(3)];
    later.queuedAtMs = 30;
    const decisions = [decision(5), decision(15), decision(25)];
    const [first, second, third] = decisions as [Ticket, Ticket, Ticket];
    const queue = queueOf(first, early, second, late, third, later);
    expect(queue.takeQueuedBefore(20)).toEqual([early]);
    expect(queue.operations).toBe(5);
    expect(queue.takeWaiting()).toEqual([late, later]);
    expect(queue.bytes).toBe(first.bytes + second.bytes + third.bytes);
    expect(queue.takeBatch()).toEqual(decisions);
    expect([queue.operations, queue.bytes]).toEqual([0, 0]);
  });

  test('is a decision, and that it need not be kept any more', () => {
    const settle = ticketOf({ op: 'settle', transaction: 't' });
    const queue = queueOf(ticket(1), decision(), settle);
    expect(queue.takeWaiting()).toHaveLength(1);
    expect(queue.takeBatch().at(-1)).toBe(settle);
  });

  test('is refused with all else where the shard takes nothing any more', () => {
    const tickets = [decision(), ticket(1)];
    const queue = queueOf(...tickets);
    expect(queue.takeAll()).toEqual(tickets);
    expect([queue.operations, queue.bytes]).toEqual([0, 0]);
  });

  test('says nothing of how long others wait', () => {
    const queue = queueOf(decision(0));
    expect(queue.hasRoom(1, 1, queueWaitForMoreMs * 10)).toBe(true);
    queue.push(ticketOf(get('k'), 1000));
    expect(queue.hasRoom(1, 1, 1000 + queueWaitForMoreMs)).toBe(true);
    expect(queue.hasRoom(1, 1, 1001 + queueWaitForMoreMs)).toBe(false);
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
