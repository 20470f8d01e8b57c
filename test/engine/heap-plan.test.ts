import { describe, expect, test } from 'vitest';
import { planHeaps } from '../../src/engine/heap-plan.ts';

const gibibyte = 2 ** 30;
const compactJournalBytes = 64 * 2 ** 20;

function shardMiBOf(shards: number, memoryBytes: number): number {
  const needs = { shardHeapMiB: undefined, shards, memoryBytes, compactJournalBytes };
  return planHeaps(needs).shardMiB;
}

describe('the heap of a shard’s thread', () => {
  test.each([
    [2, 24 * gibibyte],
    [16, 64 * gibibyte],
    [2, gibibyte / 2],
    [4, gibibyte],
  ])(
    'for %i shards in %i bytes takes three fifths of it beyond the program, new objects included',
    (shards, memory) => {
      const heap = shardMiBOf(shards, memory);
      const young = Math.min(96, heap * 0.375);
      const takes = ((heap + young) * shards * 2 ** 20) / (memory - 224 * 2 ** 20);
      expect(takes).toBeLessThanOrEqual(0.6);
      expect(takes).toBeGreaterThan(0.58);
    },
  );

  test('is large enough to work at all, however little there is', () => {
    expect(shardMiBOf(16, gibibyte / 4)).toBe(32);
    expect(shardMiBOf(2, gibibyte / 8)).toBe(32);
  });

  test('is the setting, if there is one', () => {
    const needs = { shards: 2, memoryBytes: gibibyte, compactJournalBytes };
    expect(planHeaps({ ...needs, shardHeapMiB: 777 }).shardMiB).toBe(777);
  });
});

test('a compaction, and a backup of all shards, have room for all changes of the journals', () => {
  const needs = { shardHeapMiB: 96, shards: 4, memoryBytes: gibibyte, compactJournalBytes };
  const { compactorMiB, backupMiB } = planHeaps(needs);
  expect(compactorMiB).toBeGreaterThan(6 * 64 + 96);
  expect(backupMiB).toBeGreaterThanOrEqual(4 * (6 * 64 + 96));
});
