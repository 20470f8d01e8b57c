import { expect, test } from 'vitest';
import { BodyBudget } from '../../../src/http/body/body-budget.ts';
import { bySlowness, endTick, isSlow } from '../../../src/http/body/pace.ts';
import { TestBody } from '../../support/http/body-accounts.ts';

const budget = new BodyBudget({ bytesMax: 1024, bodyBytesMax: 1024 });

/** A body after some ticks, with so many new bytes in each tick. */
function bodyWith(held: number, gainedATick: number, ticks = 3): TestBody {
  const body = new TestBody(budget, held);
  body.held = held;
  for (let n = 0; n < ticks; n++) {
    body.gained = gainedATick;
    endTick(body);
  }
  body.gained = gainedATick;
  return body;
}

test.each([
  ['idle', 100_000, 0, true],
  ['would take more than ten seconds to bring what it holds', 100_000, 2400, true],
  ['would take less', 100_000, 2600, false],
  ['holds nothing', 0, 0, false],
])('a body that %s', (_, held, gained, slow) => {
  expect(isSlow(bodyWith(held, gained))).toBe(slow);
});

test('a body is not judged before two whole ticks', () => {
  expect(isSlow(bodyWith(100_000, 0, 1))).toBe(false);
  expect(isSlow(bodyWith(100_000, 0, 2))).toBe(true);
});

test('a body that waits, or is complete, is never slow', () => {
  const waiting = bodyWith(100_000, 0);
  waiting.owed = 1;
  expect(isSlow(waiting)).toBe(false);
  const complete = bodyWith(100_000, 0);
  complete.isComplete = true;
  expect(isSlow(complete)).toBe(false);
});

test('a slow body that holds much goes before an idle one that holds next to nothing', () => {
  const [slow, idle, tiny] = [bodyWith(1_000_000, 100), bodyWith(100_000, 0), bodyWith(10, 0)];
  expect([tiny, idle, slow].toSorted(bySlowness)).toEqual([slow, idle, tiny]);
});
