// Types the commands of the README and of the pages of docs/. Each page has a server with an empty
// data folder; session.ts decides which lines to type.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { defaultSettings } from '../../src/cli/load-settings.ts';
import { readDocument, readManual } from '../support/documents/document.ts';
import { mismatchesOf, stepsOf } from '../support/documents/session.ts';
import {
  makeTemporaryFolder,
  removeFolder,
  startServer,
} from '../support/processes/server-process.ts';

/** Pages without anything to type, each with the reason. */
const pagesToRead: Readonly<Record<string, string>> = {
  'docs/README.md': 'a list of the other pages',
  'docs/performance.md': 'benchmarks take minutes, and figures differ from machine to machine',
};

/** Output, and commands that install, serve or never end: no test types these blocks. */
const languagesToRead = ['', 'sh'];

const pages = readManual().map(({ path, blocks }) => ({ path, steps: stepsOf(blocks) }));

describe('the README', () => {
  const { text, blocks } = readDocument('README.md');

  test('has at most 180 lines', () => {
    expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(180);
  });

  // test/cli/serve.test.ts shows that `npm start` builds and serves.
  test('begins with the two commands', () => {
    const [first] = blocks;
    expect(first?.lines.join('\n')).toMatch(/npm ci && npm start\b[^]*npm ci && npm test\b/);
  });
});

test('the page of access takes a newcomer to two users in two namespaces in five commands', () => {
  const { text, blocks } = readDocument('docs/access.md');
  const sections = text.match(/^## .*/gm) ?? [];
  expect(sections.slice(0, 2)).toEqual([
    '## Two users in two namespaces in five commands',
    '## One token',
  ]);
  expect(stepsOf(blocks.slice(0, 1))).toHaveLength(5);
});

test('every page has something to type, or a reason why not', () => {
  const silent = pages.filter(({ steps }) => steps.length === 0).map(({ path }) => path);
  expect(silent).toEqual(Object.keys(pagesToRead));
});

test('every block is typed, or in a language that is only read', () => {
  const languages = readManual().flatMap(({ blocks }) => blocks.map(({ language }) => language));
  expect([...new Set(languages)].toSorted()).toEqual(
    [...languagesToRead, 'console', 'js'].toSorted(),
  );
});

const sessions = pages.filter(({ steps }) => steps.length > 0);

test.concurrent.for(sessions)(
  '$path prints what it says',
  { timeout: 240_000 },
  async ({ steps }) => {
    const folder = await makeTemporaryFolder();
    const { program, url } = await startServer(join(folder, 'data'));
    try {
      const documented = `http://127.0.0.1:${defaultSettings().port}`;
      expect(await mismatchesOf(steps, { folder, documented, actual: url })).toEqual([]);
    } finally {
      await program.end();
      await removeFolder(folder);
    }
  },
);
