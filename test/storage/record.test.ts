import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeJournalLine, encodeBatchLine } from '../../src/storage/journal-format.ts';
import {
  encodeDelete,
  encodeNote,
  encodePart,
  encodePut,
  isJournalRecord,
  valueOfRecord,
} from '../../src/storage/record.ts';

const byteStrings = fc
  .uint8Array({ maxLength: 40 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'));

function decoded(record: string): unknown {
  const line = `${encodeBatchLine(1, 0, 0, [record])}}`;
  const found = decodeJournalLine(JSON.parse(line));
  if (found.kind !== 'line') throw new Error(`${record} is read as ${found.kind}`);
  return found.line.records[0];
}

describe('a record of a journal', () => {
  test('is read as it was written, if it is a put with a version of its own', () => {
    fc.assert(
      fc.property(byteStrings, fc.option(fc.nat(), { nil: undefined }), (value, version) => {
        const record = decoded(encodePut('other', 'k', value, 7, version));
        expect(record).toMatchObject({ op: 'put', namespace: 'other', key: 'k', expiresAt: 7 });
        expect((record as { version?: number }).version).toBe(version);
        expect(valueOfRecord(record as object)).toBe(value);
      }),
    );
  });

  test('is read as it was written, if it is a part or a note', () => {
    const changes = [encodePut('default', 'a', '1', undefined), encodeDelete('default', 'b')];
    const part = { transaction: 'id "1"', shards: [0, 3], version: 12 };
    expect(decoded(encodePart(part, changes))).toEqual({
      ...part,
      op: 'part',
      changes: [
        { op: 'put', key: 'a', value: '1' },
        { op: 'delete', key: 'b' },
      ],
    });
    for (const committed of [true, false]) {
      expect(decoded(encodeNote('id', committed))).toEqual({
        op: 'note',
        transaction: 'id',
        committed,
      });
    }
  });

  const part = { op: 'part', transaction: 't', shards: [0, 1], version: 1, changes: [] };
  const put = { op: 'put', key: 'a', value: '1' };

  test.each([
    null,
    'part',
    { ...part, transaction: 1 },
    { ...part, shards: [0, -1] },
    { ...part, shards: 1 },
    { ...part, version: 1.5 },
    { ...part, changes: undefined },
    { ...part, changes: [part] },
    { ...part, changes: [{ op: 'note', transaction: 't', committed: true }] },
    { ...part, changes: [{ op: 'put', key: 'a' }] },
    { op: 'note', transaction: 't' },
    { op: 'note', transaction: 't', committed: 1 },
    { op: 'note', committed: true },
    { ...put, version: '1' },
    { ...put, op: 'clear' },
    { op: 'flush', namespace: 1 },
    { ...part, flush: 'default' },
    { ...part, flush: [1] },
  ])('is not understood where it is %j', (record) => {
    expect(isJournalRecord(part)).toBe(true);
    expect(isJournalRecord({ ...part, flush: ['default'] })).toBe(true);
    expect(isJournalRecord({ op: 'flush' })).toBe(true);
    expect(isJournalRecord(put)).toBe(true);
    expect(isJournalRecord(record)).toBe(false);
  });
});
