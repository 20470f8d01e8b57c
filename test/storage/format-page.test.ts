import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { programFolder } from '../../src/base/program-folder.ts';
import { BackupReader } from '../../src/storage/backup-reader.ts';
import { decodeJournalLine } from '../../src/storage/journal-format.ts';
import { noChecksum, openLine, parseLine } from '../../src/storage/sealed-line.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';

const page = readFileSync(join(programFolder, 'src', 'storage', 'FORMAT.md'), 'utf8');
const examples = [...page.matchAll(/```ndjson\n(.*?)```/gs)].map(([, block = '']) =>
  block.trimEnd().split('\n'),
);

describe('the examples of FORMAT.md', () => {
  test('are whole chains of lines that prove themselves', () => {
    expect(examples).toHaveLength(4);
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

  test('show a backup that the program reads', () => {
    const files = new MemoryFileSystem();
    files.put('/backup', Buffer.from(`${examples[3]?.join('\n')}\n`));
    const reader = new BackupReader(files.openReadOnly('/backup'), 'backup');
    const keys = [...reader.blocks()].flatMap(({ entries }) => entries.map(({ key }) => key));
    expect(keys).toEqual(['city', 'raw']);
  });
});
