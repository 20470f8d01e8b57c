import { expect, test } from 'vitest';
import type { AuditRecord } from '../../../src/audit/audit-record.ts';
import { UnknownCallers } from '../../../src/http/audit/unknown-callers.ts';
import { recordOfTest } from '../../support/audit/record-of-test.ts';

function open() {
  const records: AuditRecord[] = [];
  let nowMs = 0;
  const callers = new UnknownCallers({
    add: (record) => void records.push(record),
    monotonicMs: () => nowMs,
  });
  const guess = (times: number): void => {
    for (let at = 0; at < times; at += 1) callers.note(recordOfTest({ requestId: `r-${at}` }));
  };
  return { records, callers, guess, pass: (ms: number) => void (nowMs += ms) };
}

test('a few a second leave a record each', () => {
  const { records, guess, pass } = open();
  for (let second = 0; second < 3; second += 1) {
    guess(20);
    pass(1000);
  }
  expect(records).toHaveLength(60);
  expect(records.every(({ count }) => count === undefined)).toBe(true);
});

test('a flood leaves one more record, with its count', () => {
  const { records, guess, pass } = open();
  guess(5000);
  expect(records).toHaveLength(20);
  pass(1000);
  guess(1);
  expect(records.slice(20)).toMatchObject([
    { requestId: 'r-4999', count: 4980 },
    { requestId: 'r-0' },
  ]);
  expect(records.at(-1)).not.toHaveProperty('count');
});

test('a stop records what was only counted', () => {
  const { records, callers, guess } = open();
  guess(25);
  callers.close();
  callers.close();
  expect(records).toHaveLength(21);
  expect(records.at(-1)).toMatchObject({ count: 5 });
});
