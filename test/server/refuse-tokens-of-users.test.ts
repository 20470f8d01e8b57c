import { describe, expect, test } from 'vitest';
import { Callers } from '../../src/access/callers.ts';
import { ServerTokens } from '../../src/access/server-tokens.ts';
import { hashOfToken, makeToken } from '../../src/access/token.ts';
import { refuseTokensOfUsers } from '../../src/server/refuse-tokens-of-users.ts';
import { SettingError } from '../../src/settings/setting-error.ts';

const { id, text } = makeToken();

function callersWithAnn(): Callers {
  const callers = new Callers(new ServerTokens({}));
  const ann = callers.putUser({ name: 'ann', id: 'u1', createdAt: 1, isDisabled: false });
  callers.addToken(ann, {
    id,
    userId: ann.id,
    name: 'laptop',
    hash: hashOfToken(text),
    grants: [{ namespace: 'app', role: 'read', prefixes: undefined }],
    createdAt: 1,
    expiresAt: undefined,
    requestsPerSecond: undefined,
    writtenBytesPerSecond: undefined,
  });
  return callers;
}

const start = (given: { tokens?: string[]; readTokens?: string[] }) => (): void =>
  refuseTokensOfUsers(callersWithAnn(), { tokens: [], readTokens: [], ...given });

describe('a server starts', () => {
  test.each([
    ['without a token', {}],
    ['with a text that it has not made', { tokens: ['a-token-of-the-operator'] }],
    ['with a new token', { tokens: [makeToken().text], readTokens: [makeToken().text] }],
  ])('%s', (_, given) => {
    expect(start(given)).not.toThrow();
  });
});

test.each([
  [{ tokens: [text] }],
  [{ tokens: ['a-token-of-the-operator', text] }],
  [{ tokens: ['a-token-of-the-operator'], readTokens: [text] }],
])('a server does not start with the token of a user, and names the user alone', (given) => {
  expect(start(given)).toThrow(SettingError);
  expect(start(given)).toThrow(/is that of the user "ann".*allowed: tokens of no user/);
  expect(start(given)).not.toThrow(text);
});
