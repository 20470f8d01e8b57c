// The documents are in plain technical English; CONTRIBUTING.md has the rules.
import { expect, test } from 'vitest';
import { readDocument, readManual } from '../support/documents/document.ts';

const documents = [
  ...readManual(),
  ...['ARCHITECTURE.md', 'CONTRIBUTING.md', 'PERFORMANCE.md', 'RELIABILITY.md', 'SECURITY.md'].map(
    (path) => readDocument(path),
  ),
];

/** Each leaves open who acts, or has a plainer word. */
const vagueWords =
  /\b(?:anew|can not|everybody|lawful|nobody|of its own accord|somebody|whoever)\b/gi;

test.each(documents)('$path has no vague word', ({ prose }) => {
  expect(prose.match(vagueWords) ?? []).toEqual([]);
});

test.each(documents)('no sentence of $path begins with What, Who or Where', ({ prose }) => {
  expect(prose.match(/(?:^|[.:;] |[-|] )(?:What|Who|Whoever|Where) [^\n]{0,40}/gm) ?? []).toEqual(
    [],
  );
});

test.each(documents)('no paragraph of $path has more than 600 characters', ({ prose }) => {
  const paragraphs = prose.split(/\n\s*\n|\n(?= *(?:[-*]|\d+\.) )|\n(?=\|)/);
  const long = paragraphs.filter((one) => one.length > 600 && !one.startsWith('|'));
  expect(long).toEqual([]);
});
