// A value tells its key and its round, and no other bytes pass for it.
import { expect, test } from 'vitest';
import { seededValue, seedOf } from '../../../bench/rows/values.ts';

test.each([100, 1024, 65_536])('a value of %d bytes has so many, and tells its seed', (bytes) => {
  const value = seededValue(42, 7, bytes);
  expect(value).toHaveLength(bytes);
  expect(seedOf(value, 42, bytes)).toBe(7);
});

test('a value of another key, another length or with a changed byte has no seed', () => {
  const value = seededValue(42, 7, 100);
  expect(seedOf(value, 43, 100)).toBeUndefined();
  expect(seedOf(value, 42, 101)).toBeUndefined();
  expect(seedOf(`${value.slice(0, -1)}X`, 42, 100)).toBeUndefined();
  expect(seedOf('', 42, 100)).toBeUndefined();
});
