import { expect, test } from 'vitest';
import { memoryLimitsOf } from '../../../src/shard/table/memory-limits.ts';

const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;

test('a shard keeps three quarters of its memory, less what the program takes', () => {
  expect(memoryLimitsOf(32 * mebibyte).keptBytesMax).toBe(14 * mebibyte);
  expect(memoryLimitsOf(8 * mebibyte).keptBytesMax).toBe(0);
});

test('a shard keeps no more than there are places for, however much memory it has', () => {
  expect(memoryLimitsOf(20 * gibibyte).keptBytesMax).toBeLessThan(15 * gibibyte);
  expect(memoryLimitsOf(1024 * gibibyte).keptBytesMax).toBe(15 * gibibyte);
});
