import { expect, test } from 'vitest';
import { Histogram } from '../../src/base/histogram.ts';

test('an observation counts in the first bucket that it does not exceed', () => {
  const histogram = new Histogram([1, 10]);
  for (const value of [0, 1, 1.5, 10, 11, Infinity]) histogram.observe(value);
  expect([...histogram.counts]).toEqual([2, 2, 2]);
  expect(histogram.count).toBe(6);
});
