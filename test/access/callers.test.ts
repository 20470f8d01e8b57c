import { beforeEach, describe, expect, test } from 'vitest';
import type { TokenRecord, UserRecord } from '../../src/access/access-records.ts';
import { Callers } from '../../src/access/callers.ts';
import type { Grant, Role } from '../../src/access/grant.ts';
import { ServerTokens } from '../../src/access/server-tokens.ts';
import { hashOfToken, makeToken } from '../../src/access/token.ts';

const now = 1_764_000_000_000;

function userRecord(name: string, rest: Partial<UserRecord> = {}): UserRecord {
  return { name, id: `id of ${name}`, createdAt: now, isDisabled: false, ...rest };
}

function grant(namespace: string, role: Role): Grant {
  return { namespace, role, prefixes: undefined };
}

let callers: Callers;

function add(name: string, rest: Partial<TokenRecord> = {}): { text: string; id: string } {
  const user = callers.user(name) ?? callers.putUser(userRecord(name));
  const made = makeToken();
  callers.addToken(user, {
    id: made.id,
    userId: user.id,
    name: 'laptop',
    hash: hashOfToken(made.text),
    grants: [grant('app', 'read')],
    createdAt: now,
    expiresAt: undefined,
    requestsPerSecond: undefined,
    writtenBytesPerSecond: undefined,
    ...rest,
  });
  return made;
}

beforeEach(() => {
  callers = new Callers(new ServerTokens({}));
});

describe('a token', () => {
  test('is found with its user, its name and its rights', () => {
    const { id, text } = add('ann');
    const caller = callers.find(text, () => now);
    expect(caller).toMatchObject({ user: 'ann', userId: 'id of ann' });
    expect(caller?.token).toMatchObject({ id, name: 'laptop' });
    expect(caller?.rights.in('app').mayRead('a')).toBe(true);
    expect(caller?.rights.in('other').readable).toEqual([]);
    expect(callers.find(text, () => now)).toBe(caller);
  });

  test('is not found by its id with another secret, nor by another id with its secret', () => {
    const [ann, ben] = [add('ann'), add('ben')];
    const mixed = [
      ann.text.slice(0, 16) + ben.text.slice(16),
      ben.text.slice(0, 16) + ann.text.slice(16),
      `${ann.text.slice(0, -1)}${ann.text.endsWith('A') ? 'E' : 'A'}`,
      ann.text.toUpperCase(),
      `${ann.text} `,
      ann.text.slice(16),
      hashOfToken(ann.text),
      '',
      'hf_',
      makeToken().text,
      'hf___proto____' + 'A'.repeat(45),
    ];
    expect(mixed.map((text) => callers.find(text, () => now))).toEqual(mixed.map(() => undefined));
  });

  test('that is revoked is not found, and its caller is valid no more', () => {
    const { id, text } = add('ann');
    const caller = callers.find(text, () => now);
    expect(caller?.isValid(() => now)).toBe(true);
    callers.removeToken(id);
    expect(callers.find(text, () => now)).toBeUndefined();
    expect(caller?.isValid(() => now)).toBe(false);
    expect(callers.user('ann')?.tokens.size).toBe(0);
  });

  test('ends at its deadline, not after it', () => {
    const { text } = add('ann', { expiresAt: now + 100 });
    const caller = callers.find(text, () => now + 99);
    expect(caller?.isValid(() => now + 99)).toBe(true);
    expect(caller?.isValid(() => now + 100)).toBe(false);
    expect(callers.find(text, () => now + 100)).toBeUndefined();
  });

  test('of a disabled user is not valid until the user is enabled again', () => {
    const { text } = add('ann');
    const caller = callers.find(text, () => now);
    callers.putUser(userRecord('ann', { isDisabled: true }));
    expect(callers.find(text, () => now)).toBeUndefined();
    expect(caller?.isValid(() => now)).toBe(false);
    callers.putUser(userRecord('ann'));
    expect(callers.find(text, () => now)).toBe(caller);
    expect(caller?.isValid(() => now)).toBe(true);
  });

  test('of a deleted user is never valid again, whatever the next user of the name has', () => {
    const before = add('ann');
    const caller = callers.find(before.text, () => now);
    callers.removeUser('ann');
    callers.putUser(userRecord('ann', { id: 'another' }));
    const { text } = add('ann');
    expect(callers.find(before.text, () => now)).toBeUndefined();
    expect(caller?.isValid(() => now)).toBe(false);
    expect(callers.find(text, () => now)?.userId).toBe('another');
    expect(callers.tokenCount).toBe(1);
  });

  test('shows its caller the grants that it has now', () => {
    const { id, text } = add('ann', { grants: [grant('app', 'read'), grant('b', 'write')] });
    const caller = callers.find(text, () => now);
    expect(caller?.rights.homeNamespace).toBe('app');
    const { record } = callers.token(id)!;
    callers.changeToken({ ...record, grants: [grant('b', 'write')] });
    expect(caller?.rights.in('app').readable).toEqual([]);
    expect(caller?.rights.homeNamespace).toBe('b');
  });
});

test('a token keeps one object of rates while its grants change, and none once it is removed', () => {
  const { text, id } = add('ann', { requestsPerSecond: 5 });
  add('ben');
  const rates = callers.find(text, () => now)?.rates;
  expect(rates?.requests?.perSecond).toBe(5);
  const record = callers.token(id)?.record;
  if (record !== undefined) callers.changeToken({ ...record, grants: [grant('other', 'read')] });
  expect(callers.find(text, () => now)?.rates).toBe(rates);
  expect(callers.haveRates).toBe(true);
  callers.removeToken(id);
  expect(callers.haveRates).toBe(false);
});

test('callers that are no tokens of the store have no rates', () => {
  expect(callers.anonymous.rates).toBeUndefined();
  const [tokens, readTokens] = [['a-token-of-the-server'], ['a-read-token-of-the-server']];
  const ofServer = new Callers(new ServerTokens({ tokens, readTokens }));
  for (const text of [...tokens, ...readTokens]) {
    const caller = ofServer.find(text, () => now);
    expect(caller).toBeDefined();
    expect(caller?.rates).toBeUndefined();
  }
});

describe('the server tokens', () => {
  const [first, second, reader] = ['first-0123456789', 'second-0123456789', 'read-0123456789abc'];

  beforeEach(() => {
    callers = new Callers(new ServerTokens({ tokens: [first, second], readTokens: [reader] }));
  });

  test('are users of their own, that every store has', () => {
    for (const text of [first, second]) {
      expect(callers.find(text, () => now)).toMatchObject({ user: '~token', token: undefined });
      expect(callers.find(text, () => now)?.rights.isServerAdmin).toBe(true);
    }
    const caller = callers.find(reader, () => now);
    expect(caller).toMatchObject({ user: '~read-token', token: undefined });
    expect(caller?.rights.in('app').mayRead('a')).toBe(true);
    expect(caller?.rights.in('app').mayWrite('a')).toBe(false);
    expect(caller?.isValid(() => now)).toBe(true);
  });

  test('are needed from the start', () => {
    expect([callers.isOpen, callers.isRequired]).toEqual([false, false]);
    expect(callers.anonymous.isValid(() => now)).toBe(false);
    const others = ['', 'first-012345678', `${first},${second}`, `${first}\0`, 'FIRST-0123456789'];
    for (const text of others) expect(callers.find(text, () => now)).toBeUndefined();
  });

  test('work beside those of the store', () => {
    const { text } = add('ann');
    expect(callers.find(text, () => now)?.user).toBe('ann');
    expect(callers.find(second, () => now)?.user).toBe('~token');
  });
});

describe('an open server', () => {
  test('lets the caller without a token do everything', () => {
    expect(callers.isOpen).toBe(true);
    expect(callers.anonymous).toMatchObject({ user: null, userId: '', token: undefined });
    expect(callers.anonymous.rights.isServerAdmin).toBe(true);
    expect(callers.anonymous.isValid(() => now)).toBe(true);
  });

  test('is open no more once a token is required', () => {
    callers.setRequired(true);
    expect(callers.isOpen).toBe(false);
    expect(callers.anonymous.isValid(() => now)).toBe(false);
  });
});

test('the tokens that administer the server are known, and which of them are valid', () => {
  expect(callers.hasAdmin(() => now)).toBe(false);
  add('ann', { grants: [grant('app', 'admin')] });
  add('ann', { grants: [{ ...grant('*', 'admin'), prefixes: ['a'] }] });
  add('ann', { grants: [grant('*', 'write')] });
  expect(callers.hasAdmin(() => now)).toBe(false);
  const { id } = add('ann', { grants: [grant('app', 'read'), grant('*', 'admin')] });
  add('ben', { grants: [grant('*', 'admin')], expiresAt: now + 100 });
  const otherThanAnn = (): boolean =>
    callers.hasAdmin(
      () => now,
      ({ record }) => record.id === id,
    );
  expect([callers.hasAdmin(() => now), otherThanAnn()]).toEqual([true, true]);
  expect(
    callers.hasAdmin(
      () => now + 100,
      ({ record }) => record.id === id,
    ),
  ).toBe(false);
  callers.putUser(userRecord('ben', { isDisabled: true }));
  expect([callers.hasAdmin(() => now), otherThanAnn()]).toEqual([true, false]);
  callers.removeUser('ann');
  expect(callers.hasAdmin(() => now)).toBe(false);
});

test('names of users come in order and by pages', () => {
  for (const name of ['carl', 'ann', 'Zoe', 'ben', 'ann']) callers.putUser(userRecord(name));
  expect(callers.userNames(undefined, 10)).toEqual(['Zoe', 'ann', 'ben', 'carl']);
  expect(callers.userNames(undefined, 2)).toEqual(['Zoe', 'ann']);
  expect(callers.userNames('ann', 2)).toEqual(['ben', 'carl']);
  expect(callers.userNames('b', 1)).toEqual(['ben']);
  expect(callers.userNames('carl', 1)).toEqual([]);
  callers.removeUser('ben');
  callers.removeUser('unknown');
  expect(callers.userNames(undefined, 10)).toEqual(['Zoe', 'ann', 'carl']);
  expect(callers.userCount).toBe(3);
});
