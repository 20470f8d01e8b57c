import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { byteStringOfText } from '../../src/base/byte-string.ts';
import { encodeBlock, decodeBlock } from '../../src/storage/block-format.ts';
import { decodeJournalLine, encodeBatchLine } from '../../src/storage/journal-format.ts';
import { parseLineAroundValues, ValueText } from '../../src/storage/large-values.ts';
import {
  encodeDelete,
  encodeEntry,
  encodeEntryOf,
  encodePrepare,
  encodePut,
  valueOfRecord,
  type ChangeRecord,
} from '../../src/storage/record.ts';
import { noChecksum, parseLine, sealLine } from '../../src/storage/sealed-line.ts';

/** Byte strings, of which many are larger than what is cut out. */
const value = fc
  .tuple(
    fc.constantFrom('v', '"', '\\', '\\"', 'a"b', '\n', 'é', '💾', '\xff\xfe', '{"value":"x"}', ''),
    fc.oneof(fc.nat({ max: 40 }), fc.integer({ min: 1000, max: 9000 })),
    fc.string({ unit: 'binary', maxLength: 20 }),
  )
  .map(([piece, times, rest]) =>
    piece === '\xff\xfe' ? piece.repeat(times) : byteStringOfText(piece.repeat(times) + rest),
  );
const key = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.constantFrom('value', '"value":', 'x"value":"'),
);
const entry = fc.record({
  key: key.map(byteStringOfText),
  value,
  expiresAt: fc.option(fc.maxSafeNat(), { nil: undefined }),
});

const lineOf = (open: string): Buffer => sealLine(open, noChecksum).bytes;

test('entries of a block that are parsed around their values are the same, to the letter', () => {
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 8 }), (entries) => {
      const texts = entries.map((each, n) =>
        encodeEntryOf(each.key, n, each.value, each.expiresAt),
      );
      const line = lineOf(encodeBlock('name', texts));
      const block = decodeBlock(parseLineAroundValues(line));
      const records = block?.entries ?? [];
      expect(records.map((record) => encodeEntry(record, record.version))).toEqual(texts);
      expect(records.map(valueOfRecord)).toEqual(entries.map((each) => each.value));
      expect(block?.namespace).toBe('name');
    }),
    { numRuns: 200 },
  );
});

test('changes of a journal that are parsed around their values are the same', () => {
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 8 }), (entries) => {
      const puts = entries.map((each) => encodePut('name', each.key, each.value, each.expiresAt));
      const deletes = entries.map((each) => encodeDelete('default', each.key));
      const prepare = encodePrepare({ transaction: 't', participants: [0, 1], version: 9 }, puts);
      const line = lineOf(encodeBatchLine(1, 2, 3, [...puts, ...deletes, prepare]));
      const readBy = (parse: (bytes: Buffer) => unknown) => {
        const decoded = decodeJournalLine(parse(line));
        if (decoded.kind !== 'line') throw new Error('it is a line');
        return decoded.line.records.map((record) =>
          record.op === 'prepare'
            ? { ...record, changes: record.changes.map(withoutText) }
            : withoutText(record as ChangeRecord),
        );
      };
      expect(readBy(parseLineAroundValues)).toEqual(readBy(parseLine));
    }),
    { numRuns: 200 },
  );
});

function withoutText(record: ChangeRecord): object {
  if (record.op === 'delete') return record;
  const { value: _, valueBase64: __, valueText: ___, ...rest } = record;
  return { ...rest, is: valueOfRecord(record) };
}

test('large values are cut out of a line, and small ones are not', () => {
  const texts = ['v'.repeat(5000), 'v'.repeat(50), '\xff'.repeat(5000)].map((each, n) =>
    encodeEntryOf(`k${n}`, n, each, undefined),
  );
  const block = decodeBlock(parseLineAroundValues(lineOf(encodeBlock('name', texts))));
  expect(block?.entries.map(({ valueText }) => valueText instanceof ValueText)).toEqual([
    true,
    false,
    true,
  ]);
});

test('a line that has a member of the same name is read as any other', () => {
  const large = `"value":"${'v'.repeat(5000)}"`;
  for (const forged of ['"valueText":0', '"valueText":"v"', '"valueText":{"json":"v"}']) {
    const line = Buffer.from(
      `{"entries":[{"key":"a","version":1,${forged}},{"key":"b",${large}}]}`,
    );
    expect(parseLineAroundValues(line)).toEqual(parseLine(line));
    expect(decodeBlock({ namespace: 'n', ...(parseLine(line) as object) })).toBeUndefined();
  }
});

test('a name that ends as that of a value does is no value', () => {
  const line = Buffer.from(JSON.stringify({ 'a"value': 'v'.repeat(5000), b: 1 }));
  expect(parseLineAroundValues(line)).toEqual(parseLine(line));
});

test('a line that is no JSON has no object', () => {
  const value5000 = 'v'.repeat(5000);
  for (const text of [`{"value":"${value5000}`, `{"value":"${value5000}",}`, `"${value5000}`]) {
    expect(parseLineAroundValues(Buffer.from(text))).toBe(parseLine(Buffer.from(text)));
  }
});
