import { expect, test } from 'vitest';
import { batchesOf } from '../../src/cli/restore-batches.ts';
import type { EntryRecord } from '../../src/storage/record.ts';

const entry = (index: number, bytes: number): EntryRecord => ({
  key: `key ${index}`,
  version: index + 1,
  ...(index % 2 === 0 ? { value: 'x'.repeat(bytes) } : { valueBase64: 'x'.repeat(bytes) }),
});

const entries = (count: number, bytes: number): EntryRecord[] =>
  Array.from({ length: count }, (_, index) => entry(index, bytes));

test('batches have all entries in order, and at most 1,000 each', () => {
  const all = entries(2500, 10);
  const batches = [...batchesOf(all)];
  expect(batches.map((batch) => batch.length)).toEqual([1000, 1000, 500]);
  expect(batches.flat()).toEqual(all);
});

test('batches have at most a mebibyte of keys and values', () => {
  const all = entries(100, 100_000);
  const batches = [...batchesOf(all)];
  expect(batches.flat()).toEqual(all);
  for (const batch of batches.slice(0, -1)) expect(batch).toHaveLength(10);
});

test('a larger entry has a batch of its own', () => {
  const all = [entry(0, 10), entry(1, 5_000_000), entry(2, 10)];
  expect([...batchesOf(all)]).toEqual(all.map((one) => [one]));
});

test('of nothing there is no batch', () => {
  expect([...batchesOf([])]).toEqual([]);
});
