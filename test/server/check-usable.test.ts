import { describe, expect, test } from 'vitest';
import type { TokenRecord, UserRecord } from '../../src/access/access-records.ts';
import { Callers } from '../../src/access/callers.ts';
import { ServerTokens } from '../../src/access/server-tokens.ts';
import { tokenHashLength } from '../../src/access/token.ts';
import { checkUsable } from '../../src/server/check-usable.ts';
import { SettingError } from '../../src/settings/setting-error.ts';

const nowMs = 1_000_000;
const user: UserRecord = { name: 'ann', id: 'u1', createdAt: 1, isDisabled: false };
const token: TokenRecord = {
  id: 'abcdefghijkl',
  userId: user.id,
  name: 'laptop',
  hash: 'x'.repeat(tokenHashLength),
  grants: [{ namespace: 'app', role: 'read', prefixes: undefined }],
  createdAt: 1,
  expiresAt: undefined,
  requestsPerSecond: undefined,
  writtenBytesPerSecond: undefined,
};

function callersWith(records: readonly TokenRecord[], ofUser = user, tokens?: string[]): Callers {
  const callers = new Callers(new ServerTokens({ tokens }));
  const known = callers.putUser(ofUser);
  for (const record of records) callers.addToken(known, record);
  callers.setRequired(true);
  return callers;
}

const check = (callers: Callers) => (): void => checkUsable(callers, () => nowMs, '/data');

describe('a server that some client can use starts', () => {
  test('because a token of the store is valid, whatever its role', () => {
    expect(check(callersWith([token]))).not.toThrow();
    expect(check(callersWith([{ ...token, expiresAt: nowMs + 1 }]))).not.toThrow();
  });

  test('because the environment has a token', () => {
    expect(check(callersWith([], user, ['a-token-of-the-operator']))).not.toThrow();
  });

  test('because no token is needed', () => {
    const callers = callersWith([]);
    callers.setRequired(false);
    expect(check(callers)).not.toThrow();
  });
});

test.each<[string, Callers]>([
  ['no token', callersWith([])],
  ['a token that has expired', callersWith([{ ...token, expiresAt: nowMs }])],
  ['a token of a disabled user', callersWith([token], { ...user, isDisabled: true })],
])('a store that needs tokens and has %s is refused, with the ways out', (_what, callers) => {
  expect(check(callers)).toThrow(SettingError);
  expect(check(callers)).toThrow(
    'the store in /data needs a token, it has no valid one, and HOLDFAST_TOKEN is not set; allowed: ' +
      'set HOLDFAST_TOKEN, or let callers without a token in by: holdfast access open /data',
  );
});
