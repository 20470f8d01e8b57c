// Random changes of users, tokens and namespaces, some of which the store refuses or loses the answer
// of. Memory must then hold exactly what a restart finds in the store.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { accessNamespace } from '../../src/access/access-records.ts';
import type { Access } from '../../src/access/access.ts';
import type { GrantDocument } from '../../src/access/grant.ts';
import { namespaceDefaults } from '../../src/access/namespace-settings.ts';
import { StoreError } from '../../src/base/errors.ts';
import {
  admin,
  openTestAccess,
  tokenRequest,
  type TestAccess,
} from '../support/access/test-access.ts';
import { DoubtfulStore } from '../support/stores/doubtful-store.ts';

const users = fc.constantFrom('ann', 'ben');
const namespaces = fc.constantFrom('a', 'b', 'c', 'default');
const oneGrant: fc.Arbitrary<GrantDocument> = fc.record({
  namespace: fc.oneof(fc.constant('*'), namespaces),
  role: fc.constantFrom('read', 'write', 'admin'),
});
/** Often with a grant that lets the token administer the server: the first token needs one. */
const grants = fc
  .tuple(fc.array(oneGrant, { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([some, isAdmin]) => (isAdmin ? [...some, admin] : some));

const putUser = fc.record({ do: fc.constant('put-user'), user: users, isDisabled: fc.boolean() });
const createToken = fc.record({ do: fc.constant('create-token'), user: users, grants });

const change = fc.oneof(
  { weight: 2, arbitrary: putUser },
  { weight: 3, arbitrary: createToken },
  fc.record({ do: fc.constant('delete-user'), user: users }),
  fc.record({ do: fc.constant('delete-token'), user: users, place: fc.nat(3) }),
  fc.record({ do: fc.constant('put-namespace'), namespace: namespaces, keysMax: fc.nat(5) }),
  fc.record({ do: fc.constant('make-namespace'), namespace: namespaces, key: fc.string() }),
  fc.record({ do: fc.constant('drop-namespace'), namespace: namespaces }),
  fc.record({ do: fc.constant('use-tokens') }),
);

type Change = typeof change extends fc.Arbitrary<infer One> ? One : never;

const step = fc.record({
  change,
  fate: fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom('refused', 'made', 'lost') },
  ),
  isAway: fc.boolean(),
});

async function carryOut(access: Access, store: DoubtfulStore, one: Change): Promise<void> {
  const { administration, callers, namespaces: registry, uses } = access;
  switch (one.do) {
    case 'put-user':
      await administration.putUser(one.user, { isDisabled: one.isDisabled });
      return;
    case 'delete-user':
      await administration.deleteUser(one.user);
      return;
    case 'create-token':
      await administration.createToken(one.user, tokenRequest(one.grants));
      return;
    case 'delete-token': {
      const id = administration.tokens(one.user)[one.place]?.id ?? 'none';
      await administration.deleteToken(one.user, id);
      return;
    }
    case 'put-namespace':
      await registry.put(one.namespace, { ...namespaceDefaults, keysMax: one.keysMax });
      return;
    case 'make-namespace': {
      const { namespace, key } = one;
      await registry.makeBy(namespace, key, async (making) => {
        const names = [{ namespace, key }, ...(making === undefined ? [] : [making.name])];
        const put = { value: Buffer.from('1'), expiresAt: undefined };
        return await store.transact(names, () => ({
          output: undefined,
          changes: [put, making?.put],
        }));
      });
      return;
    }
    case 'drop-namespace':
      await registry.drop(one.namespace);
      return;
    case 'use-tokens':
      for (const token of callers.tokens()) uses.note(token, access.nowMs());
      await uses.write();
      return;
  }
}

/** All that the registries hold. A default namespace without a record is as old as the start. */
async function contentsOf(access: Access): Promise<unknown> {
  const { administration, callers, namespaces: registry } = access;
  const { items } = administration.users(undefined, 100);
  const ofNamespaces = (await registry.views(undefined, 100)).items;
  return {
    isOpen: callers.isOpen,
    users: items.map((user) => [
      user,
      callers.user(user.name)?.id,
      administration.tokens(user.name),
    ]),
    namespaces: ofNamespaces.filter(({ name }) => name !== 'default'),
    default: registry.settings('default')?.keysMax,
    tokens: callers.tokenCount,
  };
}

/** The number of records that the registries stand for: none stays behind. */
function recordsOf({ callers }: Access): number {
  const used = [...callers.tokens()].filter(({ lastUsedAt }) => lastUsedAt !== undefined);
  return callers.userCount + callers.tokenCount + used.length + (callers.isRequired ? 1 : 0);
}

async function run(
  access: TestAccess,
  store: DoubtfulStore,
  {
    change: one,
    fate,
    isAway,
  }: { change: Change; fate?: 'refused' | 'made' | 'lost' | undefined; isAway: boolean },
): Promise<void> {
  store.fates.splice(0, Infinity, fate);
  store.isAway = isAway;
  await carryOut(access, store, one).catch((error: unknown) => {
    if (!(error instanceof StoreError)) throw error;
  });
  store.isAway = false;
  store.fates.length = 0;
  await access.timers.run();
  access.clock.advance(1000);
}

test('memory holds what a restart finds, and an administrator is always left', async () => {
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 10, maxLength: 30, size: 'max' }),
    async (steps) => {
      const store = new DoubtfulStore();
      const access = await openTestAccess(store);
      for (const one of steps) {
        await run(access, store, one);
        const { clock } = access;
        const again = await openTestAccess(store, { clock });
        expect(await contentsOf(access)).toEqual(await contentsOf(again));
        expect(await store.count(accessNamespace)).toBe(recordsOf(access));
        expect(access.callers.isOpen || access.callers.hasAdmin(() => clock.wallMs())).toBe(true);
      }
    },
  );
  await fc.assert(property, { numRuns: 150 });
});
