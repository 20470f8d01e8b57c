import { describe, expect, test } from 'vitest';
import { batchBytesMax, batchOperationsMax, queueWaitForMoreMs } from '../../../src/base/limits.ts';
import { BatchQueue } from '../../../src/router/shard/batch-queue.ts';
import { QueuedOperation } from '../../../src/router/shard/queued-operation.ts';
import { get, listOf, put } from '../../support/stores/operations.ts';

function queueOf(...operations: QueuedOperation[]): BatchQueue {
  const queue = new BatchQueue();
  for (const each of operations) queue.push(each);
  return queue;
}

function putOf(bytes: number): QueuedOperation {
  return new QueuedOperation(put('k', Buffer.alloc(bytes)), () => {});
}

describe('a batch', () => {
  test('is everything that waits, in order, if that is little', () => {
    const all = [putOf(1), putOf(2), putOf(3)];
    const queue = queueOf(...all);
    expect(queue.takeBatch()).toEqual(all);
    expect(queue).toMatchObject({ operations: 0, bytes: 0 });
  });

  test('has no more operations than a batch may have', () => {
    const queue = queueOf(
      ...Array.from(
        { length: batchOperationsMax + 1 },
        () => new QueuedOperation(get('k'), () => {}),
      ),
    );
    expect(queue.takeBatch()).toHaveLength(batchOperationsMax);
    expect(queue.takeBatch()).toHaveLength(1);
    expect(queue.takeBatch()).toHaveLength(0);
  });

  test('has no more bytes than a batch may have, but for one operation that goes alone', () => {
    const queue = queueOf(putOf(10), putOf(batchBytesMax), putOf(batchBytesMax * 3), putOf(10));
    expect([1, 2, 3, 4].map(() => queue.takeBatch().length)).toEqual([1, 1, 1, 1]);
    expect(queue.bytes).toBe(0);
  });

  test('that is put back comes before later operations', () => {
    const [first, second, third] = [putOf(1), putOf(2), putOf(3)];
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
const measure = { op: 'measure', namespaces: undefined } as const;
const cut = { op: 'cut' } as const;

function queued(operation: QueuedOperation['operation'], queuedAtMs = 0): QueuedOperation {
  return Object.assign(new QueuedOperation(operation, () => {}), { queuedAtMs });
}

function outcome(queuedAtMs = 0, op: 'commit' | 'abort' = 'commit'): QueuedOperation {
  return queued({ op, transaction: 't' }, queuedAtMs);
}

describe('a page, a count or a measure', () => {
  test.each([list, count, measure])('is in one batch with all around it: %j', (operation) => {
    const all = [putOf(1), outcome(), queued(operation), putOf(1), outcome(0, 'abort')];
    expect(queueOf(...all).takeBatch()).toEqual(all);
  });
});

describe('a cut', () => {
  test('goes alone, whatever stands before and behind it', () => {
    const all = [outcome(), queued(cut), queued(cut), putOf(1)];
    const queue = queueOf(...all);
    for (const each of all) expect(queue.takeBatch()).toEqual([each]);
  });
});

describe('an operation that must be delivered', () => {
  test('is neither refused for its age nor for a shard that does not serve, and keeps its place', () => {
    const [early, late, later] = [queued(get('k'), 10), queued(get('k'), 20), putOf(3)];
    later.queuedAtMs = 30;
    const outcomes = [outcome(5), outcome(15), outcome(25)];
    const [first, second, third] = outcomes as [QueuedOperation, QueuedOperation, QueuedOperation];
    const queue = queueOf(first, early, second, late, third, later);
    expect(queue.takeQueuedBefore(20)).toEqual([early]);
    expect(queue.operations).toBe(5);
    expect(queue.takeWaiting()).toEqual([late, later]);
    expect(queue.bytes).toBe(first.bytes + second.bytes + third.bytes);
    expect(queue.takeBatch()).toEqual(outcomes);
    expect([queue.operations, queue.bytes]).toEqual([0, 0]);
  });

  test('is an outcome or a forget', () => {
    const forget = queued({ op: 'forget', transaction: 't' });
    const all = [outcome(0, 'commit'), outcome(0, 'abort'), forget];
    const queue = queueOf(putOf(1), ...all);
    expect(queue.takeWaiting()).toHaveLength(1);
    expect(queue.takeBatch()).toEqual(all);
  });

  test('is refused with all others if the shard takes nothing any more', () => {
    const all = [outcome(), putOf(1)];
    const queue = queueOf(...all);
    expect(queue.takeAll()).toEqual(all);
    expect([queue.operations, queue.bytes]).toEqual([0, 0]);
  });

  test('does not count for how long others have waited', () => {
    const queue = queueOf(outcome(0));
    expect(queue.hasRoom(1, 1, queueWaitForMoreMs * 10)).toBe(true);
    queue.push(queued(get('k'), 1000));
    expect(queue.hasRoom(1, 1, 1000 + queueWaitForMoreMs)).toBe(true);
    expect(queue.hasRoom(1, 1, 1001 + queueWaitForMoreMs)).toBe(false);
  });
});

describe('room', () => {
  test('there is always some for one, and none behind one that has waited too long', () => {
    const queue = new BatchQueue();
    expect(queue.hasRoom(1, Infinity, Infinity)).toBe(true);
    const [first, second] = [putOf(1), putOf(1)];
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
