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

interface SourceText {
  /** Relative to the project. */
  readonly path: string;
  readonly text: string;
}

function filesOf(folder: string): SourceText[] {
  return readdirSync(join(programFolder, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.m?[jt]s$/.test(name))
    .map((name) => join(folder, name))
    .map((path) => ({ path, text: readFileSync(join(programFolder, path), 'utf8') }));
}

function linesOf(folder: string): string[] {
  return filesOf(folder).flatMap(({ path, text }) =>
    text.split('\n').map((line, index) => `${path}:${index + 1}: ${line.trim()}`),
  );
}

/** A block between slash and star, lines of two slashes in a row, or two slashes behind code. */
const comments = /\/\*[^]*?\*\/|(?:^[ \t]*\/\/.*\n?)+|(?<=[;,{}()[\]] )\/\/ .*$/gm;

/** The signs that mark a comment in each of its lines. */
const marks = /^[ \t]*(?:\/\*\*?|\*\/|\/\/|\*)[ \t]*|\*\/$/gm;

/** Ends of sentences, of their parts and of paragraphs; and tags, with the name of a parameter. */
const breaks = /(?<=[.:;!?])\s+|\n\s*\n|\s*@(?:param \w+|\w+)\s+/;

/** Sentences, and parts of one behind a colon or semicolon, each with the path of its file. */
function commentSentencesOf(folder: string): string[] {
  return filesOf(folder).flatMap(({ path, text }) =>
    (text.match(comments) ?? [])
      .flatMap((comment) => comment.replaceAll(marks, '').split(breaks))
      .map((sentence) => `${path}: ${sentence.replaceAll(/\s+/g, ' ').trim()}`),
  );
}

/** The texts that begin a call of a test or a group, and names of cases. */
function titlesOf(folder: string): string[] {
  return filesOf(folder).flatMap(({ path, text }) =>
    Array.from(text.matchAll(/(?:\(|\bname: )\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g), (match) => {
      return `${path}: ${match[2]}`;
    }),
  );
}

test.each(folders)('no comment, message or title in %s has a vague word', (folder) => {
  const lines = linesOf(folder);
  expect(lines.length).toBeGreaterThan(50);
  const vague = lines.filter(
    (line) => vagueWords.test(line) && !exceptions.some((exception) => exception.test(line)),
  );
  expect(vague).toEqual([]);
});

/** Such a sentence is a riddle: it names neither its actor nor its subject. A question may ask. */
const riddle = /^[^:]+: (?:what|who|whoever|where)\b.*(?<!\?)$/i;

test.each(folders)('no sentence of a comment in %s begins with What, Who or Where', (folder) => {
  const sentences = commentSentencesOf(folder);
  expect(sentences.length).toBeGreaterThan(10);
  expect(sentences.filter((sentence) => riddle.test(sentence))).toEqual([]);
});

test('no title of a test begins with what, who or where', () => {
  const titles = titlesOf('test');
  expect(titles.length).toBeGreaterThan(1000);
  expect(titles.filter((title) => riddle.test(title))).toEqual([]);
});
