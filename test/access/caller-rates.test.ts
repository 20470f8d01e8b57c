import { expect, test } from 'vitest';
import { ratesOf, tighterOf } from '../../src/access/caller-rates.ts';

test('a token without a rate has no bucket', () => {
  const none = { requestsPerSecond: undefined, writtenBytesPerSecond: undefined };
  expect(ratesOf(none)).toBeUndefined();
});

test.each([
  ['requests', { requestsPerSecond: 5, writtenBytesPerSecond: undefined }],
  ['writtenBytes', { requestsPerSecond: undefined, writtenBytesPerSecond: 5 }],
] as const)('a token with the one rate of %s has the one bucket', (name, token) => {
  const rates = ratesOf(token);
  expect(Object.keys(rates ?? {})).toEqual([name]);
  expect(rates && tighterOf(rates, 0)).toBe(rates?.[name]);
});

test('the tighter rate is the one of which the smaller share is left, not the smaller number', () => {
  const rates = ratesOf({ requestsPerSecond: 10, writtenBytesPerSecond: 1000 }) ?? {};
  rates.requests?.take(2, 0);
  rates.writtenBytes?.take(300, 0);
  expect(tighterOf(rates, 0)).toBe(rates.writtenBytes);
  rates.requests?.take(2, 0);
  expect(tighterOf(rates, 0)).toBe(rates.requests);
  rates.writtenBytes?.take(700, 0);
  expect(tighterOf(rates, 0)).toBe(rates.writtenBytes);
});
