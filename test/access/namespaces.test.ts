import { beforeEach, describe, expect, test, vi } from 'vitest';
import { namespacesCountedTo } from '../../src/base/namespace-name.ts';
import { namespaceDefaults, type Audit } from '../../src/access/namespace-settings.ts';
import {
  encodeNamespace,
  nameOfNamespace,
  namespacesNamespace,
} from '../../src/access/namespace-records.ts';
import type { NewNamespace } from '../../src/access/namespaces.ts';
import { slotOfKey } from '../../src/store/slot.ts';
import {
  admin,
  openTestAccess,
  tokenRequest,
  type TestAccess,
} from '../support/access/test-access.ts';
import { DoubtfulStore } from '../support/stores/doubtful-store.ts';

let store: DoubtfulStore;
let access: TestAccess;

beforeEach(async () => {
  store = new DoubtfulStore();
  access = await openTestAccess(store);
});

/** The same store behind a restart. */
async function reopen(): Promise<void> {
  const { clock } = access;
  clock.advance(1000);
  access = await openTestAccess(store, { clock });
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    (result) => result ?? 'done',
    ({ code }: { code: string }) => code,
  );
}

async function namesOf(limit = 100, after?: string): Promise<readonly string[]> {
  return (await access.namespaces.views(after, limit)).items.map(({ name }) => name);
}

/** A put of one entry, as a front end does it that got `making`. */
async function putEntry(
  namespace: string,
  making: NewNamespace | undefined,
  key = 'a',
): Promise<'first' | 'later'> {
  const names = [{ namespace, key }, ...(making === undefined ? [] : [making.name])];
  const put = { value: Buffer.from('1'), expiresAt: undefined };
  const result = await store.transact(names, () => ({
    output: undefined,
    changes: [put, making?.put],
  }));
  if (result.kind === 'refused') throw result.error;
  return making === undefined ? 'later' : 'first';
}

function makeBy(namespace: string, key = 'a'): Promise<'first' | 'later'> {
  return access.namespaces.makeBy(namespace, key, (making) => putEntry(namespace, making, key));
}

function make(...grants: Parameters<typeof tokenRequest>[0] & {}): Promise<{ token: string }> {
  return access.administration.createToken('ann', tokenRequest(grants));
}

const entryOf = (name: string, beside: string, createdAt: number) => ({
  ...nameOfNamespace(name, beside),
  value: encodeNamespace({ name, createdAt, ...namespaceDefaults }),
});

describe('a namespace that is made by name', () => {
  test('has its settings and its figures, also behind a restart', async () => {
    const { namespaces, clock } = access;
    const createdAt = clock.wallMs();
    const settings = { keysMax: 5, bytesMax: undefined, audit: 'writes' } as const;
    expect(namespaces.state('app')).toBe('absent');
    expect(await namespaces.put('app', settings)).toBe('created');
    expect(namespaces.state('app')).toBe('made');
    await putEntry('app', undefined);
    await reopen();
    const view = { name: 'app', keys: 1, bytes: 2, audit: 'writes', createdAt };
    expect(await access.namespaces.view('app')).toEqual({ ...view, keysMax: 5 });
    expect(access.namespaces.settings('app')).toMatchObject(settings);
    expect(await access.namespaces.put('app', namespaceDefaults)).toBe('changed');
    await reopen();
    expect(await access.namespaces.view('app')).toEqual({ ...view, audit: 'off' });
  });

  test.each(['', '.a', '~access', '*', 'a/b', 'x'.repeat(65)])('is not called %j', (name) => {
    expect(() => access.namespaces.put(name, namespaceDefaults)).toThrow(
      expect.objectContaining({ code: 'NAMESPACE_INVALID' }),
    );
  });

  test('is not found before', async () => {
    const { namespaces } = access;
    expect(await codeOf(namespaces.view('app'))).toBe('NAMESPACE_NOT_FOUND');
    expect(await codeOf(namespaces.drop('app'))).toBe('NAMESPACE_NOT_FOUND');
    expect(namespaces.settings('app')).toBeUndefined();
    expect(namespaces.state('__proto__')).toBe('absent');
  });

  test('comes in lists by pages, which show what they may', async () => {
    const { namespaces } = access;
    for (const name of ['b', 'c', 'a']) await namespaces.put(name, namespaceDefaults);
    expect(await namesOf()).toEqual(['a', 'b', 'c', 'default']);
    const page = await namespaces.views(undefined, 2);
    expect(page.next).toBe('b');
    expect(await namesOf(2, page.next)).toEqual(['c', 'default']);
    expect((await namespaces.views('b', 2)).next).toBeUndefined();
    const shown = await namespaces.views(undefined, 1, (name) => name === 'c');
    expect(shown).toMatchObject({ items: [{ name: 'c' }], next: undefined });
  });

  test('is not made past the bound, and makes no hole in it if it is refused', async () => {
    const { namespaces } = access;
    for (let index = 2; index <= 10; index++) await namespaces.put(`${index}`, namespaceDefaults);
    const work = namespaces.put('one-more', namespaceDefaults);
    await expect(work).rejects.toMatchObject({ code: 'NAMESPACES_FULL', limit: 10 });
    expect(await codeOf(makeBy('one-more'))).toBe('NAMESPACES_FULL');
    expect(await store.count('one-more')).toBe(0);
    expect(await namespaces.put('2', namespaceDefaults)).toBe('changed');
    await namespaces.drop('2');
    expect(await codeOf(makeBy('one-more'))).toBe('first');
  });
});

describe('the default namespace', () => {
  test('exists from the start, without a record', async () => {
    expect(access.namespaces.state('default')).toBe('made');
    expect(await namesOf()).toEqual(['default']);
    expect(store.entries.size).toBe(0);
  });

  test('cannot be dropped', async () => {
    await putEntry('default', undefined);
    expect(await codeOf(access.namespaces.drop('default'))).toBe('NAMESPACE_REQUIRED');
    expect(await store.count('default')).toBe(1);
  });

  test('takes settings, and keeps them', async () => {
    expect(await access.namespaces.put('default', { ...namespaceDefaults, keysMax: 3 })).toBe(
      'changed',
    );
    await reopen();
    expect(await access.namespaces.view('default')).toMatchObject({ keysMax: 3 });
    expect(await namesOf()).toEqual(['default']);
  });
});

describe('a namespace that a put makes', () => {
  test('is there from then on, also behind a restart', async () => {
    const createdAt = access.clock.wallMs();
    expect(await makeBy('app')).toBe('first');
    expect(access.namespaces.state('app')).toBe('made');
    expect(await makeBy('app', 'b')).toBe('later');
    await reopen();
    expect(await access.namespaces.view('app')).toMatchObject({ keys: 2, createdAt, audit: 'off' });
  });

  test('has its record in the slot of the entry', async () => {
    await access.namespaces.makeBy('app', 'some{there}key', async (making) => {
      expect(making?.name.namespace).toBe(namespacesNamespace);
      expect(slotOfKey(making?.name.key ?? '')).toBe(slotOfKey('there'));
    });
  });

  test('is made once by many puts at once', async () => {
    const results = await Promise.all(['a', 'b', 'c', 'd'].map((key) => makeBy('app', key)));
    expect(results).toEqual(['first', 'later', 'later', 'later']);
    expect(await store.count(namespacesNamespace)).toBe(1);
    expect(await store.count('app')).toBe(4);
  });

  test('is not there if the put put nothing', async () => {
    await access.namespaces.makeBy('app', 'a', async () => 'nothing');
    expect(access.namespaces.state('app')).toBe('absent');
    expect(await makeBy('app')).toBe('first');
  });

  test.each(['made', 'lost', 'refused'] as const)(
    'is there exactly if the entry is, whatever the put answers: %s',
    async (fate) => {
      store.fates.push(fate);
      expect(await codeOf(makeBy('app'))).toBe('SHARD_UNAVAILABLE');
      const isThere = fate === 'made';
      expect(access.namespaces.state('app')).toBe(isThere ? 'made' : 'absent');
      expect(await store.count('app')).toBe(isThere ? 1 : 0);
      expect(await makeBy('app')).toBe(isThere ? 'later' : 'first');
    },
  );

  test.each([true, false])(
    'is known at once if the write knows whether it is there, though no shard tells: %s',
    async (isPut) => {
      const work = access.namespaces.makeBy('app', 'a', async (making) => {
        if (isPut) await putEntry('app', making);
        making?.told(isPut);
        store.isAway = true;
      });
      await work;
      expect(access.namespaces.state('app')).toBe(isPut ? 'made' : 'absent');
      store.isAway = false;
      expect(await makeBy('app', 'b')).toBe(isPut ? 'later' : 'first');
    },
  );

  test('takes no second maker while it is unknown whether it is there', async () => {
    store.isAway = true;
    store.fates.push('made');
    expect(await codeOf(makeBy('app'))).toBe('SHARD_UNAVAILABLE');
    expect(await codeOf(makeBy('app', 'b'))).toBe('SHARD_UNAVAILABLE');
    expect(await codeOf(access.namespaces.put('app', namespaceDefaults))).toBe('SHARD_UNAVAILABLE');
    expect(await codeOf(access.namespaces.drop('app'))).toBe('SHARD_UNAVAILABLE');
    expect(access.namespaces.state('app')).toBe('absent');
    store.isAway = false;
    await access.timers.run();
    expect(access.namespaces.state('app')).toBe('made');
    expect(await store.count('app')).toBe(1);
    expect(await makeBy('app', 'b')).toBe('later');
  });
});

describe('a namespace that an administrator makes', () => {
  test.each(['made', 'lost'] as const)(
    'has one record, although its making was unknown when a write came: %s',
    async (fate) => {
      store.isAway = true;
      store.fates.push(fate);
      expect(await codeOf(access.namespaces.put('app', namespaceDefaults))).toBe(
        'SHARD_UNAVAILABLE',
      );
      expect(await codeOf(makeBy('app', 'zzz'))).toBe('SHARD_UNAVAILABLE');
      store.isAway = false;
      await access.timers.run();
      expect(access.namespaces.state('app')).toBe(fate === 'made' ? 'made' : 'absent');
      expect(await makeBy('app', 'zzz')).toBe(fate === 'made' ? 'later' : 'first');
      await access.namespaces.drop('app');
      await reopen();
      expect(access.namespaces.state('app')).toBe('absent');
    },
  );

  test('counts to the most namespaces while it is being made', async () => {
    for (let index = 2; index < 10; index++) await makeBy(`name-${index}`);
    const asked = [access.namespaces.put('app', namespaceDefaults), makeBy('other')];
    const codes = await Promise.all(asked.map(codeOf));
    expect(codes.filter((code) => code === 'NAMESPACES_FULL')).toHaveLength(1);
    expect(await namesOf()).toHaveLength(10);
  });
});

describe('dropping a namespace', () => {
  beforeEach(async () => {
    await makeBy('app');
    await makeBy('other');
    await access.administration.putUser('ann', { isDisabled: false });
  });

  const inApp = { namespace: 'app', role: 'write' } as const;
  const inOther = { namespace: 'other', role: 'read', prefixes: ['x'] } as const;

  test('removes its entries and its record, and nothing else', async () => {
    await access.namespaces.drop('app');
    expect(store.options.at(-1)).toMatchObject({ alone: namespacesCountedTo('app'), synced: true });
    expect(await namesOf()).toEqual(['default', 'other']);
    expect([await store.count('app'), await store.count('other')]).toEqual([0, 1]);
    await reopen();
    expect(await namesOf()).toEqual(['default', 'other']);
    expect(await makeBy('app')).toBe('first');
  });

  test('takes it out of all grants, and revokes tokens that have none left', async () => {
    const root = await make(admin, inApp);
    const both = await make(inApp, inOther, { ...inApp, prefixes: ['a'] });
    const alone = await make(inApp, { ...inApp, role: 'admin' });
    const none = await make(inOther);
    const callerOf = ({ token }: { token: string }) => access.callers.find(token, access.nowMs);
    const held = callerOf(alone);
    await access.namespaces.drop('app');
    const expectThem = (): void => {
      expect(callerOf(root)?.rights.grants).toMatchObject([admin]);
      expect(callerOf(root)?.rights.homeNamespace).toBe('default');
      expect(callerOf(both)?.rights.grants).toEqual([inOther]);
      expect(callerOf(alone)).toBeUndefined();
      expect(callerOf(none)?.rights.grants).toEqual([inOther]);
    };
    expectThem();
    expect(held?.isValid(access.nowMs)).toBe(false);
    await reopen();
    expectThem();
    await makeBy('app');
    expect(callerOf(both)?.rights.in('app').readable).toEqual([]);
  });

  test('is seen while it lasts, and makers wait for its end', async () => {
    const states: string[] = [];
    let again: Promise<string> | undefined;
    const transact = store.transact.bind(store);
    vi.spyOn(store, 'transact').mockImplementation(async (...call) => {
      const [names] = call;
      if (names.some(({ isReadOnly }) => isReadOnly !== true)) {
        states.push(access.namespaces.state('app'));
      }
      again ??= makeBy('app', 'b');
      return await transact(...call);
    });
    await access.namespaces.drop('app');
    expect(await again).toBe('first');
    expect(states).toEqual(['dropping', 'absent']);
    expect(await store.count('app')).toBe(1);
    expect(access.namespaces.state('app')).toBe('made');
  });

  test('that is refused leaves all as it was', async () => {
    const root = await make(admin, inApp);
    store.fates.push('refused');
    expect(await codeOf(access.namespaces.drop('app'))).toBe('SHARD_UNAVAILABLE');
    expect(access.namespaces.state('app')).toBe('made');
    expect(await store.count('app')).toBe(1);
    const caller = access.callers.find(root.token, access.nowMs);
    expect(caller?.rights.grants).toMatchObject([admin, inApp]);
  });

  test.each(['made', 'lost'] as const)(
    'whose outcome is unknown keeps writes out until it is known: %s',
    async (fate) => {
      store.isAway = true;
      store.fates.push(fate);
      expect(await codeOf(access.namespaces.drop('app'))).toBe('SHARD_UNAVAILABLE');
      expect(access.namespaces.state('app')).toBe('dropping');
      expect(await codeOf(makeBy('app', 'b'))).toBe('SHARD_UNAVAILABLE');
      store.isAway = false;
      await access.timers.run();
      expect(access.namespaces.state('app')).toBe(fate === 'made' ? 'absent' : 'made');
      expect(await makeBy('app', 'b')).toBe(fate === 'made' ? 'first' : 'later');
    },
  );
});

describe('a start', () => {
  test('adopts namespaces that older versions made without a record', async () => {
    for (const name of ['app', '~idempotency', 'default', 'second'])
      await putEntry(name, undefined);
    await reopen();
    const createdAt = access.clock.wallMs();
    expect(await namesOf()).toEqual(['app', 'default', 'second']);
    await access.namespaces.drop('second');
    await reopen();
    expect(await access.namespaces.view('app')).toMatchObject({ keys: 1, createdAt });
    expect(await namesOf()).toEqual(['app', 'default']);
  });

  test('serves a store that takes no writes, and adopts its namespaces later', async () => {
    await putEntry('app', undefined);
    store.fates.push('refused');
    await reopen();
    expect(await namesOf()).toEqual(['app', 'default']);
    expect(await store.count(namespacesNamespace)).toBe(0);
    await reopen();
    expect(await store.count(namespacesNamespace)).toBe(1);
  });

  test('drops a namespace that it could not record', async () => {
    await putEntry('app', undefined);
    store.fates.push('refused');
    await reopen();
    await access.namespaces.drop('app');
    expect([await store.count('app'), await store.count(namespacesNamespace)]).toEqual([0, 0]);
    expect(await namesOf()).toEqual(['default']);
  });

  test('keeps the older of two records of one name', async () => {
    await store.submit({ op: 'put', ...entryOf('app', 'a', 2) });
    await store.submit({ op: 'put', ...entryOf('app', 'b', 1) });
    await reopen();
    expect(await access.namespaces.view('app')).toMatchObject({ createdAt: 1 });
    expect(await store.count(namespacesNamespace)).toBe(1);
    await access.namespaces.drop('app');
    await reopen();
    expect(await namesOf()).toEqual(['default']);
  });

  test.each([
    ['{0}app', '{'],
    ['{0}app', '[]'],
    ['{0}app', '{}'],
    ['{0}~app', '{"createdAt":1}'],
    ['app', '{"createdAt":1,"keysMax":-1}'],
    ['{0}app', '{"createdAt":1,"audit":"none"}'],
  ])('refuses the record %s with %s', async (key, text) => {
    const value = Buffer.from(text);
    await store.submit({ op: 'put', namespace: namespacesNamespace, key, value });
    await expect(reopen()).rejects.toMatchObject({ code: 'STORE_MISMATCH' });
  });
});

const audited = (audit: Audit) => ({ ...namespaceDefaults, audit });

describe('whether any namespace is audited', () => {
  test('follows settings, drops and a restart', async () => {
    const seen: boolean[] = [];
    const look = (): void => void seen.push(access.namespaces.hasAudited);
    look();
    await access.namespaces.put('app', audited('writes'));
    await access.namespaces.put('blog', audited('all'));
    look();
    await reopen();
    look();
    await access.namespaces.put('app', audited('off'));
    look();
    await access.namespaces.drop('blog');
    look();
    await reopen();
    look();
    expect(seen).toEqual([false, true, true, true, false, false]);
  });

  test('is not yet so if the settings could not be stored', async () => {
    store.fates.push('refused');
    await codeOf(access.namespaces.put('app', audited('writes')));
    expect(access.namespaces.hasAudited).toBe(false);
  });
});
