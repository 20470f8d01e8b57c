import { describe, expect, test } from 'vitest';
import { defaultShardCount } from '../../src/base/default-shard-count.ts';
import { planHeaps } from '../../src/engine/heap-plan.ts';
import { planMemory, type MemoryNeeds } from '../../src/engine/memory-plan.ts';
import { memoryLimitsOf, workBytesOf } from '../../src/shard/table/memory-limits.ts';

const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;

const auto: MemoryNeeds = {
  compactJournalBytes: 'auto',
  bodyBytesInFlightMax: 'auto',
  batchBytesMax: 'auto',
  valueBytesMax: 8 * mebibyte,
  connectionsMax: 'auto',
  tlsCert: '',
};

describe('the plan of the memory', () => {
  test.each([8, 24, 512])('gives all parts their full size in %i GiB', (gibibytes) => {
    expect(planMemory(auto, gibibytes * gibibyte)).toEqual({
      compactJournalBytes: 64 * mebibyte,
      bodyBytesInFlightMax: 256 * mebibyte,
      batchBytesMax: 64 * mebibyte,
      replyBytesMax: 256 * mebibyte,
      connectionsMax: 10_000,
    });
  });

  test('gives each part less if there is less', () => {
    expect(planMemory(auto, gibibyte / 2)).toEqual({
      compactJournalBytes: 4 * mebibyte,
      bodyBytesInFlightMax: 16 * mebibyte,
      batchBytesMax: 4 * mebibyte,
      replyBytesMax: 16 * mebibyte,
      connectionsMax: 2048,
    });
  });

  test.each([0.5, 0.75, 1, 2, 4, 8, 16, 64, 256])(
    'and the heaps fit into %f GiB together, beside the program',
    (gibibytes) => {
      const memoryBytes = gibibytes * gibibyte;
      const plan = planMemory(auto, memoryBytes);
      const shards = defaultShardCount(memoryBytes);
      const { shardMiB } = planHeaps({ ...plan, shardHeapMiB: undefined, shards, memoryBytes });
      const heaps = shards * (shardMiB + Math.min(96, shardMiB * 0.375)) * mebibyte;
      const connections = plan.connectionsMax * 16 * 1024;
      const others = plan.bodyBytesInFlightMax + 3 * plan.replyBytesMax + connections;
      expect(heaps + others + 128 * mebibyte).toBeLessThan(memoryBytes);
    },
  );

  test('gives room for fewer connections with TLS, which take more', () => {
    const withTls = { ...auto, tlsCert: 'cert.pem' };
    expect(planMemory(withTls, gibibyte / 2).connectionsMax).toBe(512);
    expect(planMemory(withTls, 16 * gibibyte).connectionsMax).toBe(10_000);
  });

  test('obeys the settings', () => {
    const sizes = {
      connectionsMax: 20_000,
      compactJournalBytes: gibibyte,
      bodyBytesInFlightMax: 2 * gibibyte,
      batchBytesMax: gibibyte,
    };
    expect(planMemory({ ...auto, ...sizes }, gibibyte / 2)).toMatchObject(sizes);
  });

  test('has room for the largest value, and for the largest batch', () => {
    const large = { ...auto, valueBytesMax: 64 * mebibyte };
    expect(planMemory(large, gibibyte / 2).bodyBytesInFlightMax).toBe(64 * mebibyte);
    const batches = { ...auto, batchBytesMax: gibibyte };
    expect(planMemory(batches, gibibyte / 2).bodyBytesInFlightMax).toBe(gibibyte);
  });

  test('makes the largest batch fit into the memory for bodies that is set', () => {
    const small = { ...auto, bodyBytesInFlightMax: 8 * mebibyte };
    expect(planMemory(small, 64 * gibibyte)).toMatchObject({ batchBytesMax: 8 * mebibyte });
  });
});

test.each([1, 2, 3, 4, 8, 64])('%i GiB have room for the largest value by default', (gibibytes) => {
  const memoryBytes = gibibytes * gibibyte;
  const shards = Math.min(16, Math.max(2, Math.floor(memoryBytes / (512 * mebibyte))));
  const { compactJournalBytes } = planMemory(auto, memoryBytes);
  const needs = { compactJournalBytes, shardHeapMiB: undefined, shards, memoryBytes };
  const { workBytesMax } = memoryLimitsOf(planHeaps(needs).shardMiB * mebibyte);
  expect(auto.valueBytesMax + workBytesOf(auto.valueBytesMax)).toBeLessThan(workBytesMax);
});

test('a new folder has no more shards than have memory, and two at least', () => {
  expect(defaultShardCount(gibibyte / 4)).toBe(2);
  expect(defaultShardCount(gibibyte / 2)).toBe(2);
  expect(defaultShardCount(64 * gibibyte)).toBeLessThanOrEqual(16);
  expect(defaultShardCount(64 * gibibyte)).toBeGreaterThanOrEqual(2);
});
