import { beforeEach, describe, expect, test } from 'vitest';
import {
  encodePartOf,
  OpenTransactions,
  partOfRecord,
  type Part,
} from '../../src/shard/open-transactions.ts';
import { encodeNote, type PartRecord } from '../../src/storage/record.ts';

let open: OpenTransactions;
beforeEach(() => {
  open = new OpenTransactions();
});

const first: Part = {
  transaction: 'first',
  shards: [0, 2],
  version: 9,
  flush: [],
  changes: [
    { namespace: 'default', key: 'a', put: { value: '12345', expiresAt: 7 } },
    { namespace: 'other', key: '\u{c3}\u{a9}', put: { value: '\u{ff}', expiresAt: undefined } },
    { namespace: 'default', key: 'gone', put: undefined },
  ],
};
const second: Part = { ...first, transaction: 'second' };

describe('what undecided parts take', () => {
  test('is counted once each, deletes not at all, and given back when they are noted', () => {
    open.add(first);
    open.add(first);
    expect(open.puts).toBe(2);
    const { heapBytes } = open;
    expect(heapBytes).toBeGreaterThan(6);
    open.add(second);
    expect([open.puts, open.heapBytes]).toEqual([4, 2 * heapBytes]);
    open.note('first', true);
    open.note('first', true);
    open.note('unknown', false);
    expect([open.puts, open.heapBytes]).toEqual([2, heapBytes]);
    open.note('second', false);
    expect([open.puts, open.heapBytes]).toEqual([0, 0]);
  });
});

describe('what is restated where a journal goes on without those before it', () => {
  test('is nothing at first', () => {
    expect(open.records()).toEqual([]);
  });

  test('is every part that is undecided, and every note until all shards have one', () => {
    open.add(first);
    open.add(second);
    open.note('first', true);
    expect(open.records()).toEqual([encodeNote('first', true), encodePartOf(second)]);
    expect(open.part('first')).toBeUndefined();
    open.note('second', false);
    expect(open.records()).toEqual([encodeNote('first', true), encodeNote('second', false)]);
    open.settle('first');
    open.settle('second');
    open.settle('unknown');
    expect(open.records()).toEqual([]);
  });
});

test('a part comes back from its record as it was', () => {
  for (const part of [first, { ...first, flush: ['default', ''] }]) {
    expect(partOfRecord(JSON.parse(encodePartOf(part)) as PartRecord)).toEqual(part);
  }
});
