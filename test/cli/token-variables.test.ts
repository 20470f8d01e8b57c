// The tokens of a server come from the environment or from files, and mistakes end the start.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exitCodeOf } from '../../src/cli/command-error.ts';
import { clientTokenOf, serverTokensOf } from '../../src/cli/token-variables.ts';
import { makeTemporaryFolder, removeFolder } from '../support/processes/server-process.ts';

let folder: string;
beforeEach(async () => void (folder = await makeTemporaryFolder()));
afterEach(() => removeFolder(folder));

const [one, two, three] = ['first-secret-token', 'second-secret-token', 'third-secret-token'];

async function fileWith(text: string): Promise<string> {
  const path = join(folder, 'token');
  await writeFile(path, text);
  return path;
}

function refusalOf(environment: Record<string, string>): string {
  const error = thrownBy(() => serverTokensOf(environment));
  expect(exitCodeOf(error)).toBe(2);
  const message = error instanceof Error ? error.message : '';
  expect(message).not.toContain('secret');
  expect(message).not.toContain('\n');
  return message;
}

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

test('without a variable there is no token', () => {
  expect(serverTokensOf({})).toEqual({ tokens: [], readTokens: [] });
});

test('one or two tokens stand in a variable, and for reading in another', () => {
  expect(serverTokensOf({ HOLDFAST_TOKEN: one })).toEqual({ tokens: [one], readTokens: [] });
  const both = { HOLDFAST_TOKEN: `${one},${two}`, HOLDFAST_READ_TOKEN: three };
  expect(serverTokensOf(both)).toEqual({ tokens: [one, two], readTokens: [three] });
});

test.each(['', '\n', '\r\n'])('a file has one token a line, and may end with %j', async (end) => {
  const file = await fileWith(`${one}\n${two}${end}`);
  const expected = { tokens: [one, two], readTokens: [three] };
  expect(serverTokensOf({ HOLDFAST_TOKEN_FILE: file, HOLDFAST_READ_TOKEN: three })).toEqual(
    expected,
  );
});

describe('the start is refused, and no token is shown, if', () => {
  test.each<[string, Record<string, string>, string]>([
    ['the variable is empty', { HOLDFAST_TOKEN: '' }, 'HOLDFAST_TOKEN is set but empty'],
    ['it has only a comma', { HOLDFAST_TOKEN: ',' }, 'HOLDFAST_TOKEN is set but empty'],
    ['one of two is empty', { HOLDFAST_TOKEN: `${one},` }, 'HOLDFAST_TOKEN is set but empty'],
    ['the token is short', { HOLDFAST_TOKEN: 'secret-of-15-ch' }, 'has 15 characters'],
    ['one of two is short', { HOLDFAST_TOKEN: `${one},secret` }, 'has 6 characters'],
    ['there are three', { HOLDFAST_TOKEN: `${one},${two},${three}` }, 'has 3 tokens'],
    ['two are equal', { HOLDFAST_TOKEN: `${one},${one}` }, 'are equal'],
    ['it has a space', { HOLDFAST_TOKEN: 'a secret of two words' }, 'another character'],
    ['it has letters beyond ASCII', { HOLDFAST_TOKEN: 'sécret-secret-secret' }, 'another character'],
    ['the reader stands alone', { HOLDFAST_READ_TOKEN: one }, 'stands alone'],
    ['the reader is empty', { HOLDFAST_TOKEN: one, HOLDFAST_READ_TOKEN: '' }, 'HOLDFAST_READ_TOKEN is set but empty'],
    ['the reader has the same token', { HOLDFAST_TOKEN: one, HOLDFAST_READ_TOKEN: one }, 'are equal'],
    ['the file is not there', { HOLDFAST_TOKEN_FILE: '/nowhere/token' }, 'ENOENT'],
    ['the name of the file is empty', { HOLDFAST_TOKEN_FILE: '' }, 'HOLDFAST_TOKEN_FILE is set but empty'],
    ['there is a value and a file', { HOLDFAST_TOKEN: one, HOLDFAST_TOKEN_FILE: '/a' }, 'both set'],
  ])('%s', (_, environment, text) => expect(refusalOf(environment)).toContain(text)); // prettier-ignore

  test.each(['', '\n'])('the file has nothing but %j', async (text) => {
    expect(refusalOf({ HOLDFAST_TOKEN_FILE: await fileWith(text) })).toContain('set but empty');
  });
});

test('a command sends the first token, and none if the variable is empty', () => {
  expect(clientTokenOf({ HOLDFAST_TOKEN: `${one},${two}` })?.texts[0]).toBe(one);
  expect(clientTokenOf({ HOLDFAST_TOKEN: '' })).toBeUndefined();
});
