import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeJournalLine, encodeBatchLine } from '../../src/storage/journal-format.ts';
import {
  encodeDelete,
  encodeOutcome,
  encodePrepare,
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

  test('is read as it was written, if it is a prepare, a commit or an abort', () => {
    const changes = [encodePut('default', 'a', '1', undefined), encodeDelete('default', 'b')];
    const prepared = { transaction: 'id "1"', participants: [0, 3], version: 12 };
    expect(decoded(encodePrepare(prepared, changes))).toEqual({
      ...prepared,
      op: 'prepare',
      changes: [
        { op: 'put', key: 'a', value: '1' },
        { op: 'delete', key: 'b' },
      ],
    });
    const flush = ['default', ''];
    expect(decoded(encodePrepare({ ...prepared, flush }, []))).toEqual({
      ...prepared,
      op: 'prepare',
      flush,
      changes: [],
    });
    expect(decoded(encodeOutcome('id', true))).toEqual({ op: 'commit', transaction: 'id' });
    expect(decoded(encodeOutcome('id', false))).toEqual({ op: 'abort', transaction: 'id' });
  });

  const prepare = {
    op: 'prepare',
    transaction: 't',
    participants: [0, 1],
    version: 1,
    changes: [],
  };
  const commit = { op: 'commit', transaction: 't' };
  const put = { op: 'put', key: 'a', value: '1' };

  test.each([
    null,
    'prepare',
    { ...prepare, transaction: 1 },
    { ...prepare, participants: [0, -1] },
    { ...prepare, participants: 1 },
    { ...prepare, participants: undefined },
    { ...prepare, version: 1.5 },
    { ...prepare, changes: undefined },
    { ...prepare, changes: [prepare] },
    { ...prepare, changes: [commit] },
    { ...prepare, changes: [{ op: 'put', key: 'a' }] },
    { op: 'commit' },
    { op: 'abort' },
    { ...commit, transaction: 1 },
    { ...commit, op: 'abort', transaction: 1 },
    { ...put, version: '1' },
    { ...put, op: 'clear' },
    { op: 'flush', namespace: 1 },
    { ...prepare, flush: 'default' },
    { ...prepare, flush: [1] },
  ])('is not understood if it is %j', (record) => {
    expect(isJournalRecord(prepare)).toBe(true);
    expect(isJournalRecord({ ...prepare, flush: ['default'] })).toBe(true);
    expect(isJournalRecord(commit)).toBe(true);
    expect(isJournalRecord({ ...commit, op: 'abort' })).toBe(true);
    expect(isJournalRecord({ op: 'flush' })).toBe(true);
    expect(isJournalRecord(put)).toBe(true);
    expect(isJournalRecord(record)).toBe(false);
  });
});

function members(value: string): object {
  return JSON.parse(encodePut('default', 'k', value, undefined)) as object;
}

describe('a large value', () => {
  test.each([
    ['control characters', '\0'.repeat(70_000)],
    [
      'control characters and other text',
      '\u{1}'.repeat(70_000) + Buffer.from('漢').toString('latin1'),
    ],
  ])('of %s is base64, so that its line is not six times as long', (_, value) => {
    expect(members(value)).toHaveProperty('valueBase64');
    expect(valueOfRecord(members(value))).toBe(value);
  });

  test('is text if most of it is plain', () => {
    const value = `${'\n'.repeat(60_000)}${'\0'.repeat(1000)}`;
    expect(members(value)).toHaveProperty('value', value);
  });

  test('that is not large is text whatever its characters', () => {
    const value = '\0'.repeat(65_535);
    expect(members(value)).toHaveProperty('value', value);
  });
});
