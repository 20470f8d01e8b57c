// The numbers of developers' scripts: digits alone, and not below the least that makes sense.
import { expect, test } from 'vitest';
import { wholeNumber } from './whole-number.ts';

test('digits are the number', () => {
  expect(wholeNumber('--runs', '1000', 1)).toBe(1000);
  expect(wholeNumber('--seed', '0', 0)).toBe(0);
});

test.each(['1,000', '1_000', 'x', '', ' 1', '1.5', '-1', '0', '1e3', '9007199254740993'])(
  '%j is refused, so that no loop ends well without a round',
  (text) => {
    expect(() => wholeNumber('--runs', text, 1)).toThrow(
      `--runs is "${text}"; allowed: a whole number from 1`,
    );
  },
);
