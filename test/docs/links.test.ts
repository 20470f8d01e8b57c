// Every link in the documents leads to a file of the project, and to a heading that exists.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { programFolder } from '../../src/base/program-folder.ts';
import { readDocument, readManual } from '../support/documents/document.ts';

const documents = [
  ...readManual(),
  ...[
    'ARCHITECTURE.md',
    'PERFORMANCE.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'RELIABILITY.md',
    'SECURITY.md',
    'src/commands/DIALECT.md',
    'src/storage/FORMAT.md',
    'test/fixtures/README.md',
  ].map(readDocument),
];

describe.each(documents)('the links of $path', ({ links }) => {
  test('lead to files that exist', () => {
    const paths = links.map(({ path }) => path);
    expect(paths.filter((path) => !existsSync(join(programFolder, path)))).toEqual([]);
  });

  test('lead to headings that exist', () => {
    const lost = links.filter(
      ({ path, heading }) => heading !== undefined && !readDocument(path).anchors.includes(heading),
    );
    expect(lost).toEqual([]);
  });
});

test('links and headings are found at all', () => {
  const { anchors, links } = readDocument('docs/clients.md');
  expect(anchors).toContain('upstashredis');
  expect(links).toContainEqual({ path: 'docs/access.md', heading: 'namespaces' });
  expect(links).toContainEqual({ path: 'docs/clients.md', heading: 'keyv' });
});

test('every page of docs/ is in its reading order', () => {
  const listed = readDocument('docs/README.md').links.map(({ path }) => path);
  const pages = readManual().map(({ path }) => path);
  expect(listed).toEqual(expect.arrayContaining(pages.filter((path) => path !== 'docs/README.md')));
});

test('paths of files that documents name in code exist', () => {
  const named = documents
    .filter(({ path }) => path !== 'CHANGELOG.md')
    .flatMap(
      ({ text }) =>
        text.match(/(?<=`)(?:src|test|workers|config|bench|deploy)\/[\w./-]+(?=`)/g) ?? [],
    );
  const lost = [...new Set(named)].filter((path) => !existsSync(join(programFolder, path)));
  expect(lost).toEqual([]);
});
