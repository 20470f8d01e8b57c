import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { programFolder } from '../../src/base/program-folder.ts';
import { decodeJournalLine } from '../../src/storage/journal-format.ts';
import { noChecksum, openLine, parseLine } from '../../src/storage/sealed-line.ts';

const page = readFileSync(join(programFolder, 'src', 'storage', 'FORMAT.md'), 'utf8');
const examples = [...page.matchAll(/```ndjson\n(.*?)```/gs)].map(([, block = '']) =>
  block.trimEnd().split('\n'),
);

describe('the examples of FORMAT.md', () => {
  test('are whole chains of lines that prove themselves', () => {
    expect(examples).toHaveLength(3);
    for (const lines of examples) {
      let previous = noChecksum;
      for (const line of lines) {
        const opened = openLine(Buffer.from(line));
        expect([line, opened?.previous]).toEqual([line, previous]);
        previous = opened?.checksum ?? '';
      }
    }
  });

  test('show a journal that the program reads', () => {
    const kinds = examples[2]?.map((line) => decodeJournalLine(parseLine(Buffer.from(line))).kind);
    expect(kinds).toEqual(['header', 'line', 'line', 'line']);
  });
});
