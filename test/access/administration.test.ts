import { beforeEach, describe, expect, test } from 'vitest';
import { usersMax, tokensOfUserMax } from '../../src/access/administration.ts';
import { accessNamespace } from '../../src/access/access-records.ts';
import {
  admin,
  openTestAccess,
  tokenRequest,
  type TestAccess,
} from '../support/access/test-access.ts';
import { DoubtfulStore } from '../support/stores/doubtful-store.ts';

const enabled = { isDisabled: false };
const disabled = { isDisabled: true };
const reader = { namespace: 'app', role: 'read' } as const;

let store: DoubtfulStore;
let access: TestAccess;

beforeEach(async () => {
  store = new DoubtfulStore();
  access = await openTestAccess(store);
});

/** The same store behind a restart. */
async function reopen(options = {}): Promise<void> {
  const { clock } = access;
  access = await openTestAccess(store, { clock, ...options });
}

function find(token: string): unknown {
  return access.callers.find(token, access.nowMs);
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => 'done',
    ({ code }: { code: string }) => code,
  );
}

/** Makes a user with one token. */
async function make(name: string, ...grants: Parameters<typeof tokenRequest>): Promise<string> {
  await access.administration.putUser(name, enabled);
  return (await access.administration.createToken(name, tokenRequest(...grants))).token;
}

/** Tries to end the token of ann that administers the server, in each way. */
async function endings(): Promise<unknown[]> {
  const { administration } = access;
  const tokens = administration.tokens('ann');
  const id = tokens.find(({ grants }) => grants[0]?.namespace === '*')?.id ?? '';
  return [
    await codeOf(administration.deleteToken('ann', id)),
    await codeOf(administration.putUser('ann', disabled)),
    await codeOf(administration.deleteUser('ann')),
  ];
}

describe('a user', () => {
  test('is made, disabled, enabled and deleted, and stays so behind a restart', async () => {
    const { administration, clock } = access;
    const createdAt = clock.wallMs();
    expect(await administration.putUser('ann', enabled)).toBe('created');
    clock.advance(5);
    expect(await administration.putUser('ann', disabled)).toBe('changed');
    expect(await administration.putUser('ann', disabled)).toBe('changed');
    await reopen();
    const view = { name: 'ann', disabled: true, createdAt };
    expect(access.administration.user('ann')).toEqual(view);
    await access.administration.putUser('ann', enabled);
    await reopen();
    expect(access.administration.user('ann')).toEqual({ ...view, disabled: false });
    await access.administration.deleteUser('ann');
    await reopen();
    expect(() => access.administration.user('ann')).toThrow(
      expect.objectContaining({ code: 'USER_NOT_FOUND' }),
    );
  });

  test('that does not exist is not found', async () => {
    const { administration } = access;
    expect(() => administration.tokens('ann')).toThrow('There is no user "ann".');
    const works = [
      administration.deleteUser('ann'),
      administration.createToken('ann', tokenRequest()),
      administration.deleteToken('ann', 'none'),
    ];
    expect(await Promise.all(works.map(codeOf))).toEqual(works.map(() => 'USER_NOT_FOUND'));
    expect(await store.count(accessNamespace)).toBe(0);
  });

  test.each(['', '.', '..', '.ann', '~token', 'a b', 'ann/', 'é', 'x'.repeat(65), '*'])(
    'cannot be called %j',
    (name) => {
      expect(() => access.administration.putUser(name, enabled)).toThrow(
        expect.objectContaining({ code: 'BAD_REQUEST', parameter: 'name' }),
      );
    },
  );

  test.each(['ann', 'Ann.B', 'ann@example.com', 'a+b', '-', '__proto__', 'constructor'])(
    'can be called %j',
    async (name) => {
      await access.administration.putUser(name, enabled);
      await reopen();
      expect(access.administration.users(undefined, 10).items).toMatchObject([{ name }]);
    },
  );

  test('is listed by pages, in order', async () => {
    for (const name of ['carl', 'ann', 'ben']) await access.administration.putUser(name, enabled);
    const { administration } = access;
    const page = administration.users(undefined, 2);
    expect(page.items.map(({ name }) => name)).toEqual(['ann', 'ben']);
    expect(page.next).toBe('ben');
    const last = administration.users(page.next, 2);
    expect(last).toMatchObject({ items: [{ name: 'carl' }], next: undefined });
    expect(administration.users(undefined, 3).next).toBeUndefined();
  });

  test('deleted and made again is another one, without the tokens of the first', async () => {
    const { administration } = access;
    const others = await make('root');
    const text = await make('ann', [reader]);
    const before = access.callers.user('ann')?.id;
    await administration.deleteUser('ann');
    expect(find(text)).toBeUndefined();
    await administration.putUser('ann', enabled);
    await reopen();
    expect(find(text)).toBeUndefined();
    expect(access.administration.tokens('ann')).toEqual([]);
    expect(access.callers.user('ann')?.id).not.toBe(before);
    expect(find(others)).toBeDefined();
    expect(access.callers.tokenCount).toBe(1);
  });
});

describe('a token', () => {
  test('is shown once, and then listed without its secret', async () => {
    const { administration, clock } = access;
    await administration.putUser('ann', enabled);
    const rest = { expiresAt: clock.wallMs() + 1000, requestsPerSecond: 5 };
    const made = await administration.createToken('ann', tokenRequest([admin, reader], rest));
    const createdAt = clock.wallMs();
    const view = { id: made.id, name: 'laptop', grants: [admin, reader], createdAt, ...rest };
    expect(made).toEqual({ ...view, token: made.token });
    expect(administration.tokens('ann')).toEqual([view]);
    await reopen();
    expect(access.administration.tokens('ann')).toEqual([view]);
    expect(find(made.token)).toMatchObject({ user: 'ann' });
    const stored = [...store.entries].flatMap(([name, { value }]) => [
      name,
      Buffer.from(value).toString('latin1'),
    ]);
    expect(stored.join()).toContain(made.id);
    expect(stored.join()).not.toContain(made.token.slice(-43));
  });

  test('is revoked alone, and at once', async () => {
    const [first, second] = [await make('ann'), await make('ann')];
    const { administration } = access;
    const [id = ''] = administration.tokens('ann').map((token) => token.id);
    expect(await codeOf(administration.deleteToken('ann', 'another'))).toBe('TOKEN_NOT_FOUND');
    await administration.putUser('ben', enabled);
    expect(await codeOf(administration.deleteToken('ben', id))).toBe('TOKEN_NOT_FOUND');
    await administration.deleteToken('ann', id);
    expect([first, second].filter((text) => find(text) !== undefined)).toHaveLength(1);
    await reopen();
    expect([first, second].filter((text) => find(text) !== undefined)).toHaveLength(1);
    expect(await codeOf(access.administration.deleteToken('ann', id))).toBe('TOKEN_NOT_FOUND');
  });

  test('of one user may have many beside it, up to the bound', async () => {
    await make('ann');
    const user = access.callers.user('ann')!;
    const [token] = user.tokens.values();
    if (token === undefined) throw new Error('the user has a token');
    for (let id = 1; id < tokensOfUserMax; id++) user.tokens.set(`${id}`, token);
    const work = access.administration.createToken('ann', tokenRequest());
    await expect(work).rejects.toMatchObject({ code: 'ACCESS_FULL', limit: tokensOfUserMax });
  });
});

test('users are bounded', async () => {
  const record = { createdAt: 1, isDisabled: false };
  for (let index = 0; index < usersMax; index++) {
    const name = `${index}`.padStart(6, '0');
    access.callers.putUser({ name, id: name, ...record });
  }
  const work = access.administration.putUser('ann', enabled);
  await expect(work).rejects.toMatchObject({ code: 'ACCESS_FULL', limit: usersMax });
  expect(await access.administration.putUser('000000', disabled)).toBe('changed');
});

describe('the first token', () => {
  test.each([
    [[{ namespace: 'app', role: 'admin' }]],
    [[{ namespace: '*', role: 'write' }]],
    [[{ namespace: '*', role: 'admin', prefixes: ['a'] }]],
  ] as const)('must administer the server, which %j do not', async (grants) => {
    await access.administration.putUser('ann', enabled);
    const work = access.administration.createToken('ann', tokenRequest(grants));
    await expect(work).rejects.toMatchObject({
      code: 'ADMIN_TOKEN_REQUIRED',
      outcome: 'not-applied',
    });
    expect(access.callers.isOpen).toBe(true);
    await reopen();
    expect([access.callers.isOpen, access.callers.tokenCount]).toEqual([true, 0]);
  });

  test('cannot be that of a disabled user', async () => {
    await access.administration.putUser('ann', disabled);
    const work = access.administration.createToken('ann', tokenRequest());
    expect(await codeOf(work)).toBe('ADMIN_TOKEN_REQUIRED');
  });

  test('makes a token needed in the same transaction, and for good', async () => {
    expect(access.callers.isOpen).toBe(true);
    const text = await make('ann');
    expect(store.options.at(-1)).toMatchObject({ synced: true });
    expect(access.callers.isOpen).toBe(false);
    await reopen({ serverTokens: { tokens: ['0123456789abcdef'] } });
    await access.administration.deleteUser('ann');
    expect(find(text)).toBeUndefined();
    await reopen();
    expect(access.callers.isOpen).toBe(false);
    expect(access.callers.find('', access.nowMs)).toBeUndefined();
  });

  test('may have any grants if the environment has a token', async () => {
    await reopen({ serverTokens: { tokens: ['0123456789abcdef'] } });
    await make('ann', [reader]);
    expect(access.callers.isRequired).toBe(true);
  });

  test('must administer the server again if no such token is left', async () => {
    await reopen({ serverTokens: { tokens: ['0123456789abcdef'] } });
    await make('ann', [reader]);
    await reopen();
    const { administration } = access;
    expect(await codeOf(administration.createToken('ann', tokenRequest([reader])))).toBe(
      'ADMIN_TOKEN_REQUIRED',
    );
    expect(await codeOf(administration.createToken('ann', tokenRequest()))).toBe('done');
    expect(await codeOf(administration.createToken('ann', tokenRequest([reader])))).toBe('done');
  });
});

describe('the last token that administers the server', () => {
  const kept = Array.from({ length: 3 }, () => 'ADMIN_TOKEN_REQUIRED');

  test('cannot be ended, by itself or with its user', async () => {
    const text = await make('ann');
    await make('ann', [reader]);
    await make('ben', [reader]);
    expect(await endings()).toEqual(kept);
    await reopen();
    expect(await endings()).toEqual(kept);
    expect(find(text)).toBeDefined();
  });

  test('is not one beside that of a disabled user', async () => {
    await make('ann');
    await make('ben');
    await access.administration.putUser('ben', disabled);
    expect(await endings()).toEqual(kept);
  });

  test('is not one beside a token that has expired', async () => {
    await make('ann');
    await make('ben', [admin], { expiresAt: access.clock.wallMs() + 100 });
    access.clock.advance(100);
    expect(await endings()).toEqual(kept);
  });

  test('can be ended if another one is left, even one that will expire', async () => {
    await make('ann');
    await make('ben', [admin], { expiresAt: access.clock.wallMs() + 100 });
    const { administration } = access;
    await administration.deleteUser('ann');
    expect(await codeOf(administration.deleteUser('ben'))).toBe('ADMIN_TOKEN_REQUIRED');
    access.clock.advance(100);
    // It has expired, so its end takes nothing away.
    expect(await codeOf(administration.deleteUser('ben'))).toBe('done');
  });

  test('can be ended if the environment has a token', async () => {
    await make('ann');
    await reopen({ serverTokens: { tokens: ['0123456789abcdef'] } });
    expect(await endings()).toEqual(['done', 'done', 'done']);
  });

  test('is not the server token that only reads', async () => {
    await make('ann');
    await reopen({ serverTokens: { readTokens: ['0123456789abcdef'] } });
    expect(await endings()).toEqual(kept);
  });

  test('is kept by two requests at once, each of which ends one of two', async () => {
    await make('ann');
    await make('ben');
    const { administration } = access;
    const works = [administration.deleteUser('ann'), administration.deleteUser('ben')];
    expect(await Promise.all(works.map(codeOf))).toEqual(['done', 'ADMIN_TOKEN_REQUIRED']);
  });
});

describe('a store that needs no token any more', () => {
  test('stays open behind a restart, with its tokens, until another token is made', async () => {
    const text = await make('ann');
    await access.administration.requireNoToken();
    expect(access.callers.isOpen).toBe(true);
    await reopen();
    expect(access.callers.isOpen).toBe(true);
    expect(find(text)).toBeDefined();
    await access.administration.createToken('ann', tokenRequest([reader]));
    expect(access.callers.isOpen).toBe(false);
    await reopen();
    expect(access.callers.isOpen).toBe(false);
  });
});

test('a store with tokens and without a rule needs a token', async () => {
  await make('ann');
  for (const name of store.entries.keys()) if (name.endsWith('rule')) store.entries.delete(name);
  await reopen();
  expect(access.callers.isOpen).toBe(false);
});

describe('a change whose outcome is unknown', () => {
  test('to delete a token ends it as soon as that is known', async () => {
    const text = await make('ann');
    await make('ann');
    const { administration, callers, timers } = access;
    const caller = callers.find(text, access.nowMs);
    const id = caller?.token?.id ?? '';
    store.isAway = true;
    store.fates.push('made');
    await expect(administration.deleteToken('ann', id)).rejects.toMatchObject({
      outcome: 'unknown',
    });
    expect(caller?.isValid(access.nowMs)).toBe(true);
    store.isAway = false;
    await timers.run();
    expect(caller?.isValid(access.nowMs)).toBe(false);
    expect(await codeOf(administration.deleteToken('ann', id))).toBe('TOKEN_NOT_FOUND');
  });

  test('to make the first token leaves the server open until the token is there', async () => {
    const { administration, callers, timers } = access;
    await administration.putUser('ann', enabled);
    store.isAway = true;
    store.fates.push('made');
    const work = administration.createToken('ann', tokenRequest());
    await expect(work).rejects.toMatchObject({ outcome: 'unknown' });
    expect(callers.isOpen).toBe(true);
    store.isAway = false;
    await timers.run();
    expect(callers.isOpen).toBe(false);
    expect(administration.tokens('ann')).toHaveLength(1);
  });

  test('to make a user is made known by the next look', async () => {
    store.fates.push('made', 'lost');
    const { administration } = access;
    expect(await administration.putUser('ann', enabled)).toBe('created');
    await expect(administration.putUser('ben', enabled)).rejects.toMatchObject({
      outcome: 'not-applied',
      retryable: true,
    });
    expect(administration.users(undefined, 10).items).toMatchObject([{ name: 'ann' }]);
    await reopen();
    expect(access.administration.users(undefined, 10).items).toMatchObject([{ name: 'ann' }]);
  });
});
