// Comments, messages and test titles are in plain technical English; CONTRIBUTING.md has the rules.
// test/docs/words.test.ts holds the documents to them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { programFolder } from '../../src/base/program-folder.ts';

const folders = ['src', 'workers', 'bench', 'test'] as const;

/** Each leaves open who acts, or has a plainer word. */
const vagueWords =
  /\b(?:anew|anybody|can not|everybody|lawful|lawfully|nobody|of its own accord|somebody|whoever)\b/i;

/** Lines in which such a word stands for itself: the rules, and keys that tests use. */
const exceptions: readonly RegExp[] = [
  /^test\/(?:architecture|docs)\/words\.test\.ts/,
  /^test\/commands\/.*(?:BITOP OR k none nobody|LCS none nobody IDX)/,
];

function linesOf(folder: string): string[] {
  return readdirSync(join(programFolder, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => {
      const path = join(folder, name);
      const lines = readFileSync(join(programFolder, path), 'utf8').split('\n');
      return lines.map((line, index) => `${path}:${index + 1}: ${line.trim()}`);
    });
}

test.each(folders)('no comment, message or title in %s has a vague word', (folder) => {
  const lines = linesOf(folder);
  expect(lines.length).toBeGreaterThan(50);
  const vague = lines.filter(
    (line) => vagueWords.test(line) && !exceptions.some((exception) => exception.test(line)),
  );
  expect(vague).toEqual([]);
});
