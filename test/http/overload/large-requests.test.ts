import { expect, test } from 'vitest';
import { ConcurrencyLimiter } from '../../../src/http/overload/concurrency-limiter.ts';
import { LargeRequestQueue } from '../../../src/http/overload/large-request-queue.ts';
import { LargeRequests } from '../../../src/http/overload/large-requests.ts';
import { ReplyMemoryBudget } from '../../../src/http/overload/reply-memory-budget.ts';

function openGates() {
  const steps: string[] = [];
  let nowMs = 0;
  const queue = new LargeRequestQueue({ monotonicMs: () => nowMs, hasRoom: () => true });
  const work = new ConcurrencyLimiter(() => nowMs);
  const replyMemory = new ReplyMemoryBudget({ bytesMax: 100, requestBytesMax: 60 });
  const readBody = async (): Promise<Buffer> => {
    steps.push('body read');
    return Buffer.from('body');
  };
  const large = new LargeRequests({ queue, work, replyMemory, bodyBytesMax: 10 });
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { large, readBody, steps, queue, work, replyMemory, pass };
}

test('a body is read, then parsed, then its work is counted until it ends', async () => {
  const { large, readBody, steps, work, replyMemory } = openGates();
  const result = await large.run('a', readBody, (body) => {
    steps.push(`${body.toString()} parsed, ${work.units} units`);
    return {
      parts: 3,
      work: async ({ reserveReplyBytes }) => {
        expect(reserveReplyBytes(50)).toBeUndefined();
        steps.push(`${Math.floor(work.units)} units, ${replyMemory.bytes} bytes`);
        return 'done';
      },
    };
  });
  expect(result).toBe('done');
  expect(steps).toEqual(['body read', 'body parsed, 0 units', '3 units, 50 bytes']);
  expect([work.units, replyMemory.bytes]).toEqual([0, 0]);
});

test('a body that cannot be parsed counts as no work, and its error is passed on', async () => {
  const { large, readBody, work } = openGates();
  const failing = large.run('a', readBody, () => {
    throw new Error('no JSON');
  });
  await expect(failing).rejects.toThrow('no JSON');
  expect(work.units).toBe(0);
});

test('work that fails gives back all that it has reserved', async () => {
  const { large, work, replyMemory } = openGates();
  const failing = large.runNow('a', 5, async ({ reserveReplyBytes }) => {
    reserveReplyBytes(60);
    throw new Error('the store refuses');
  });
  await expect(failing).rejects.toThrow('the store refuses');
  expect([work.units, replyMemory.bytes]).toEqual([0, 0]);
});

function never(): never {
  expect.fail('it was parsed or begun');
}

test('a late queue refuses a request before its body is read', async () => {
  const { large, readBody, steps, queue, pass } = openGates();
  // The first takes the time of this turn, so the others wait.
  void queue.run('a', 1, () => pass(3));
  const waiting = Array.from({ length: 32 }, async () => queue.run('a', 1, () => undefined));
  pass(1500);
  const overloaded: unknown = expect.objectContaining({ code: 'OVERLOADED' });
  expect(() => large.run('a', readBody, never)).toThrow(overloaded);
  expect(() => large.runBodiless('a', 1, never)).toThrow(overloaded);
  expect(steps).toEqual([]);
  await Promise.all(waiting);
});
