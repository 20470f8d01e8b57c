import { expect, test } from 'vitest';
import { EventLoopBudget } from '../../../src/http/overload/event-loop-budget.ts';

test('a long turn is spent, and the next begins with a full budget', async () => {
  const turn = new EventLoopBudget();
  const first = Array.from({ length: 100 }, (_, i) => turn.isSpent(i));
  expect(first).not.toContain(true);
  expect(turn.isSpent(500)).toBe(false);
  expect(turn.isSpent(501)).toBe(true);
  await new Promise((resolve) => setImmediate(resolve));
  expect(turn.isSpent(1000)).toBe(false);
});

test('a few requests around a long pause are no overload', () => {
  const turn = new EventLoopBudget();
  const few = Array.from({ length: 64 }, (_, i) => turn.isSpent(i * 10_000));
  expect(few).not.toContain(true);
});
