import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lineOfRecord, recordOfLine, type AuditRecord } from '../../src/audit/audit-record.ts';
import { recordOfTest } from '../support/audit/record-of-test.ts';

const at = '2025-11-24T16:00:00.000Z';

const text = fc.string({ unit: 'binary' });
const maybeText = fc.option(text, { nil: undefined });
const version = fc.option(fc.maxSafeNat(), { nil: undefined });

const records: fc.Arbitrary<AuditRecord> = fc.record({
  requestId: text,
  user: fc.option(text),
  token: maybeText,
  tokenId: maybeText,
  namespace: maybeText,
  action: text,
  key: maybeText,
  keys: fc.option(fc.array(text), { nil: undefined }),
  prefix: maybeText,
  target: maybeText,
  oldVersion: version,
  newVersion: version,
  outcome: fc.constantFrom('applied', 'not-applied', 'unknown', 'denied', 'read'),
  error: maybeText,
  count: version,
});

describe('a record', () => {
  test('is one line of JSON that has all its members', () => {
    fc.assert(
      fc.property(records, (record) => {
        const line = lineOfRecord(at, record);
        expect(line.indexOf('\n')).toBe(line.length - 1);
        expect(line).toBe(`${JSON.stringify(JSON.parse(line))}\n`);
        // As JSON leaves members out.
        expect(recordOfLine(line)).toEqual(JSON.parse(JSON.stringify({ at, ...record })));
      }),
    );
  });

  test('has its members in the order in which people read them', () => {
    const record = recordOfTest({ error: 'FORBIDDEN', key: 'a', newVersion: 2, token: 'laptop' });
    expect(lineOfRecord(at, record)).toBe(
      `{"at":"${at}","requestId":"r-1","user":"ann","token":"laptop","action":"put","key":"a",` +
        '"newVersion":2,"outcome":"applied","error":"FORBIDDEN"}\n',
    );
  });

  test.each(['', '{', '[]', 'null', '{"at":1,"action":"put","outcome":"read"}', '{"at":"2025"}'])(
    'is not seen in a line that is none: %s',
    (line) => {
      expect(recordOfLine(line)).toBeUndefined();
    },
  );
});
