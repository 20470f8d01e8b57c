import { describe, expect, test } from 'vitest';
import {
  accessNamespace,
  decodeAccessRecord,
  encodeRule,
  encodeToken,
  encodeUse,
  encodeUser,
  nameOfRule,
  nameOfToken,
  nameOfUse,
  nameOfUser,
  type TokenRecord,
} from '../../src/access/access-records.ts';
import { hashOfToken, makeToken } from '../../src/access/token.ts';
import { isNamespaceName } from '../../src/base/namespace-name.ts';
import { slotOfKey } from '../../src/store/slot.ts';

const { id, text } = makeToken();
const user = { name: 'ann', id: 'one', createdAt: 7, isDisabled: true };
const token: TokenRecord = {
  id,
  userId: 'one',
  name: 'le portable d’Anne',
  hash: hashOfToken(text),
  grants: [
    { namespace: 'app', role: 'write', prefixes: ['a/', '\u{c3}\u{a9}'] },
    { namespace: '*', role: 'read', prefixes: undefined },
  ],
  createdAt: 8,
  expiresAt: 9,
  requestsPerSecond: 10,
  writtenBytesPerSecond: 11,
};

/** The document of the token without one of its members. */
const without = (member: string): object => {
  const document = JSON.parse(encodeToken(token).toString()) as Record<string, unknown>;
  document[member] = undefined;
  return document;
};

describe('records', () => {
  test('come back as they were stored', () => {
    for (const isTokenRequired of [true, false]) {
      const rule = { kind: 'rule', isTokenRequired };
      expect(decodeAccessRecord(nameOfRule.key, encodeRule(isTokenRequired))).toEqual(rule);
    }
    expect(decodeAccessRecord(nameOfUser('ann').key, encodeUser(user))).toEqual({
      kind: 'user',
      user,
    });
    expect(decodeAccessRecord(nameOfToken(id).key, encodeToken(token))).toEqual({
      kind: 'token',
      token,
    });
    const plain = { ...token, expiresAt: undefined, requestsPerSecond: undefined };
    expect(decodeAccessRecord(nameOfToken(id).key, encodeToken(plain))).toEqual({
      kind: 'token',
      token: plain,
    });
    const use = { tokenId: id, lastUsedAt: 12 };
    expect(decodeAccessRecord(nameOfUse(id).key, encodeUse(use))).toEqual({ kind: 'use', use });
  });

  test('of a token hold neither it nor its secret', () => {
    const stored = encodeToken(token).toString();
    expect(stored).not.toContain(text);
    expect(stored).not.toContain(text.slice(-43));
  });

  test('are in one slot, of a namespace that no client can name', () => {
    const names = [nameOfRule, nameOfUser('ann'), nameOfToken(id), nameOfUse(id)];
    expect(new Set(names.map(({ key }) => slotOfKey(key))).size).toBe(1);
    expect(new Set(names.map(({ key }) => key)).size).toBe(4);
    for (const { namespace } of names) expect(namespace).toBe(accessNamespace);
    expect(isNamespaceName(accessNamespace)).toBe(false);
  });
});

describe('an entry that is no record of this version is refused', () => {
  const userKey = nameOfUser('ann').key;
  const tokenKey = nameOfToken(id).key;
  test.each([
    ['{access}group/a', {}],
    ['{access}user', {}],
    ['elsewhere', {}],
    [nameOfRule.key, {}],
    [nameOfRule.key, { tokenRequired: 'no' }],
    [userKey, {}],
    [userKey, []],
    [userKey, { id: '', createdAt: 1, disabled: false }],
    [userKey, { id: 'one', createdAt: 1 }],
    [userKey, { id: 'one', createdAt: -1, disabled: false }],
    [nameOfUser('~token').key, { id: 'one', createdAt: 1, disabled: false }],
    [nameOfToken('short').key, without('none')],
    [tokenKey, without('user')],
    [tokenKey, without('name')],
    [tokenKey, without('sha256')],
    [tokenKey, without('grants')],
    [tokenKey, without('createdAt')],
    [tokenKey, { ...without('none'), sha256: '00' }],
    [tokenKey, { ...without('none'), sha256: 'zz'.repeat(32) }],
    [tokenKey, { ...without('none'), grants: [{ namespace: 'app', role: 'owner' }] }],
    [tokenKey, { ...without('none'), grants: [{ namespace: 'app', role: 'read', until: 5 }] }],
    [tokenKey, { ...without('none'), expiresAt: 'never' }],
    [tokenKey, { ...without('none'), requestsPerSecond: 0 }],
    [nameOfUse(id).key, { lastUsedAt: 'now' }],
  ])('%s: %j', (key, document) => {
    expect(() => decodeAccessRecord(key, Buffer.from(JSON.stringify(document)))).toThrow(
      expect.objectContaining({ code: 'STORE_MISMATCH' }),
    );
  });

  test('bytes that are no JSON', () => {
    expect(() => decodeAccessRecord(userKey, Buffer.from('{'))).toThrow(JSON.stringify(userKey));
  });
});
