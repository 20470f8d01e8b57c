import { expect, test } from 'vitest';
import { EventLoopBudget } from '../../../src/http/overload/event-loop-budget.ts';

/** A budget whose clock a test sets with each request. */
function openTurn() {
  let nowMs = 0;
  const turn = new EventLoopBudget(() => nowMs);
  return (atMs: number): boolean => {
    nowMs = atMs;
    return turn.isSpent();
  };
}

test('a long turn is spent, and the next begins with a full budget', async () => {
  const isSpentAt = openTurn();
  const first = Array.from({ length: 100 }, (_, i) => isSpentAt(i));
  expect(first).not.toContain(true);
  expect(isSpentAt(500)).toBe(false);
  expect(isSpentAt(501)).toBe(true);
  await new Promise((resolve) => setImmediate(resolve));
  expect(isSpentAt(1000)).toBe(false);
});

test('a few requests around a long pause are no overload', () => {
  const isSpentAt = openTurn();
  const few = Array.from({ length: 64 }, (_, i) => isSpentAt(i * 10_000));
  expect(few).not.toContain(true);
});
