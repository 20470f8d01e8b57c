import { expect, test } from 'vitest';
import { ConcurrencyLimiter, unitsOf } from '../../../src/http/overload/concurrency-limiter.ts';

/** Work that ends when the test says so, and a clock that the test sets. */
function open() {
  let nowMs = 0;
  const work = new ConcurrencyLimiter(() => nowMs);
  const ends: (() => void)[] = [];
  const begin = async (units: number, namespace = 'a'): Promise<void> =>
    await work.during(namespace, units, () => new Promise<void>((resolve) => ends.push(resolve)));
  const end = async (count: number): Promise<void> => {
    for (const done of ends.splice(0, count)) done();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { work, begin, end, turnClock: (ms: number) => (nowMs += ms) };
}

test('the limiter lets in a burst before it has measured the store', async () => {
  const { work, begin } = open();
  for (let i = 0; i < 30; i++) void begin(4000);
  expect(work.units).toBe(120_000);
  expect(work.isFull).toBe(false);
});

test('the limiter lets in as much work as the store answers in two seconds', async () => {
  const { work, begin, end, turnClock } = open();
  for (let i = 0; i < 32; i++) void begin(4000);
  void begin(112_000);
  // 40,000 units a second, in two windows.
  for (let window = 0; window < 2; window++) {
    // oxlint-disable-next-line no-await-in-loop -- one window after the other
    await end(5);
    turnClock(500);
    void work.isFull;
  }
  expect(work.units).toBe(200_000);
  expect(work.isFull).toBe(true);
  await expect(begin(1)).rejects.toMatchObject({
    code: 'OVERLOADED',
    outcome: 'not-applied',
    retryable: true,
    retryAfterMs: 1000,
  });
  await end(22);
  expect(work.units).toBe(112_000);
  expect(work.isFull).toBe(true);
  await end(1);
  expect(work.isFull).toBe(false);
});

test('the limiter lets in a little work even if the store stands still', async () => {
  const { work, begin, end, turnClock } = open();
  for (let i = 0; i < 30; i++) void begin(4000);
  for (let window = 0; window < 2; window++) {
    turnClock(500);
    void work.isFull;
  }
  expect(work.isFull).toBe(true);
  await end(14);
  expect(work.units).toBe(64_000);
  expect(work.isFull).toBe(false);
});

test('work that fails has ended, too', async () => {
  const { work } = open();
  await expect(work.during('a', 5, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(work.units).toBe(0);
});

test('bytes count as well as operations', () => {
  expect(unitsOf(3, 0)).toBe(3);
  expect(unitsOf(1, 1024 * 1024)).toBe(513);
});

test('a namespace has its share, whatever others ask for', async () => {
  const { work, begin, end, turnClock } = open();
  for (let i = 0; i < 30; i++) void begin(4000, 'noisy');
  for (let window = 0; window < 2; window++) {
    turnClock(500);
    void work.isFull;
  }
  expect([work.isFullFor('noisy'), work.isFullFor('polite')]).toEqual([true, false]);
  await expect(begin(1, 'noisy')).rejects.toMatchObject({ code: 'OVERLOADED' });
  for (let i = 0; i < 8; i++) void begin(4000, 'polite');
  expect(work.isFullFor('polite')).toBe(false);
  void begin(1000, 'polite');
  expect(work.isFullFor('polite')).toBe(true);
  expect(work.isFullFor('third')).toBe(false);
  await end(100);
  expect([work.isFull, work.units]).toEqual([false, 0]);
});
