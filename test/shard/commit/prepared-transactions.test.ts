import { beforeEach, describe, expect, test } from 'vitest';
import {
  encodePrepared,
  PreparedTransactions,
  preparedOfRecord,
  type PreparedTransaction,
} from '../../../src/shard/commit/prepared-transactions.ts';
import { encodeOutcome, type PrepareRecord } from '../../../src/storage/record.ts';

let transactions: PreparedTransactions;
beforeEach(() => {
  transactions = new PreparedTransactions();
});

const first: PreparedTransaction = {
  transaction: 'first',
  participants: [0, 2],
  version: 9,
  flush: [],
  changes: [
    { namespace: 'default', key: 'a', put: { value: '12345', expiresAt: 7 } },
    { namespace: 'other', key: '\u{c3}\u{a9}', put: { value: '\u{ff}', expiresAt: undefined } },
    { namespace: 'default', key: 'gone', put: undefined },
  ],
};
const second: PreparedTransaction = { ...first, transaction: 'second' };

describe('the room that prepared changes take', () => {
  test('is counted once each, deletes not at all, and given back with the outcome', () => {
    transactions.add(first);
    transactions.add(first);
    expect(transactions.puts).toBe(2);
    const { heapBytes } = transactions;
    expect(heapBytes).toBeGreaterThan(6);
    transactions.add(second);
    expect([transactions.puts, transactions.heapBytes]).toEqual([4, 2 * heapBytes]);
    transactions.resolve('first', true);
    transactions.resolve('first', true);
    transactions.resolve('unknown', false);
    expect([transactions.puts, transactions.heapBytes]).toEqual([2, heapBytes]);
    transactions.resolve('second', false);
    expect([transactions.puts, transactions.heapBytes]).toEqual([0, 0]);
  });
});

describe('the records for a journal that goes on without those before it', () => {
  test('are none at first', () => {
    expect([...transactions.records()]).toEqual([]);
  });

  test('are of all transactions in doubt, and of all outcomes that are not to be forgotten', () => {
    transactions.add(first);
    transactions.add(second);
    expect(transactions.get('first')).toBe(first);
    transactions.resolve('first', true);
    expect([...transactions.records()]).toEqual([
      encodeOutcome('first', true),
      encodePrepared(second),
    ]);
    expect(transactions.get('first')).toBeUndefined();
    transactions.resolve('second', false);
    expect([...transactions.records()]).toEqual([
      encodeOutcome('first', true),
      encodeOutcome('second', false),
    ]);
    transactions.forget('first');
    expect([...transactions.records()]).toEqual([encodeOutcome('second', false)]);
    transactions.forget('second');
    transactions.forget('unknown');
    expect([...transactions.records()]).toEqual([]);
  });
});

test('a prepared transaction comes back from its record as it was', () => {
  for (const prepared of [first, { ...first, flush: ['default', ''] }]) {
    const record = JSON.parse(encodePrepared(prepared)) as PrepareRecord;
    expect(preparedOfRecord(record)).toEqual(prepared);
  }
});
