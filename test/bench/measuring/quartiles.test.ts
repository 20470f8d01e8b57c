// The summary of rounds: better quartile, spread, median, and ratios round by round.
import { expect, test } from 'vitest';
import { medianRatio, summarize } from '../../../bench/measuring/quartiles.ts';

test('of 16 rounds the fourth best is the better quartile', () => {
  const rounds = Array.from({ length: 16 }, (_, index) => 16 - index);
  expect(summarize(rounds)).toEqual({ better: 13, median: 8.5, least: 1, most: 16 });
});

test.each([1, 2, 3, 4])('of %d rounds the best one is the better quartile', (count) => {
  const rounds = Array.from({ length: count }, (_, index) => index + 1);
  expect(summarize(rounds).better).toBe(count);
});

test('no rounds have no summary', () => {
  expect(() => summarize([])).toThrow('summary of nothing');
});

test('the ratio of two sides is the median of the ratios of their rounds', () => {
  expect(medianRatio([1, 10, 6], [2, 10, 2])).toBe(1);
});
