// Random grants, and random requests through a random dialect, against an oracle that states the rules
// in the simplest form. A request is carried out if and only if the oracle allows it.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { unreachable } from '../../../src/base/assert.ts';
import type { GrantDocument } from '../../../src/access/grant.ts';
import { bearer, closedAccess } from '../../support/http/closed-access.ts';
import { makeNamespaces, openApp } from '../../support/http/open-app.ts';
import { makeToken } from '../../support/http/open-roles.ts';
import { ModelStore } from '../../support/stores/model-store.ts';

/** Commands with several keys go other ways if no two keys are in one shard. */
class RandomlySplitStore extends ModelStore {
  isSplit = false;

  override areOnOneShard(keys: readonly string[] = []): boolean {
    return !this.isSplit || new Set(keys).size < 2;
  }
}

const keys = ['k', 'k1', 'k12', 'l', 'l1', 'é', 'é1', 'z'];
const made = ['app', 'App'];
const namespaces = [...made, 'none'];

interface Oracle {
  readonly grants: readonly GrantDocument[];
}

const ranks = { read: 0, write: 1, admin: 2 };

function may({ grants }: Oracle, need: 'read' | 'write', namespace: string, key: string): boolean {
  return grants.some(
    (grant) =>
      (grant.namespace === '*' || grant.namespace === namespace) &&
      ranks[grant.role] >= ranks[need] &&
      (grant.prefixes === undefined || grant.prefixes.some((prefix) => key.startsWith(prefix))),
  );
}

function mayFlush({ grants }: Oracle, namespace: string): boolean {
  return grants.some(
    (grant) =>
      (grant.namespace === '*' || grant.namespace === namespace) &&
      grant.role === 'admin' &&
      grant.prefixes === undefined,
  );
}

/** The caller has some right to keys there, even if to none that exists. */
function mayLook({ grants }: Oracle, need: 'read' | 'write', namespace: string): boolean {
  return grants.some(
    (grant) =>
      (grant.namespace === '*' || grant.namespace === namespace) &&
      ranks[grant.role] >= ranks[need],
  );
}

const oneGrant: fc.Arbitrary<GrantDocument> = fc
  .record({
    namespace: fc.constantFrom('*', ...namespaces),
    role: fc.constantFrom('read', 'write', 'admin'),
    prefixes: fc.option(
      fc.uniqueArray(fc.constantFrom('k', 'k1', 'l', 'é', 'z', 'y'), { minLength: 1 }),
      { nil: undefined },
    ),
  })
  .map(({ namespace, role, prefixes }) =>
    prefixes === undefined ? { namespace, role } : { namespace, role, prefixes },
  );

const request = fc
  .record({
    act: fc.constantFrom(
      'get',
      'put',
      'delete',
      'list',
      'count',
      'clear',
      'range',
      'flush',
      'copy',
      'mget',
    ),
    dialect: fc.nat(5),
    namespace: fc.constantFrom(...namespaces),
    key: fc.constantFrom(...keys),
    other: fc.constantFrom(...keys),
    isSplit: fc.boolean(),
  })
  .map((one) => {
    // A copy of an entry onto itself is an error, whatever the rights.
    const behind = keys[(keys.indexOf(one.key) + 1) % keys.length] ?? one.other;
    return one.key === one.other ? { ...one, other: behind } : one;
  });

type Request = typeof request extends fc.Arbitrary<infer One> ? One : never;

/** A request on the wire, and how the keys stand in its answer if it lists some. */
interface Sent {
  readonly method: string;
  readonly target: string;
  readonly body?: string;
}

const post = (target: string, json: unknown): Sent => ({
  method: 'POST',
  target,
  body: JSON.stringify(json),
});

/** The same request in each dialect that has it. */
function spellings({ act, namespace, key, other }: Request): readonly Sent[] {
  const at = `/ns/${namespace}`;
  const [path, item] = [
    encodeURIComponent(key),
    `/unstorage/${namespace}/${encodeURIComponent(key)}`,
  ];
  const command = (...words: readonly string[]): readonly Sent[] => [
    post(`${at}/upstash`, words),
    post(`${at}/upstash/pipeline`, [words]),
  ];
  switch (act) {
    case 'get':
      return [
        { method: 'GET', target: `${at}/v1/keys/${path}` },
        { method: 'GET', target: item },
        post(`${at}/v1/batch`, { operations: [{ op: 'get', key }] }),
        post(`${at}/v1/transactions`, { operations: [{ op: 'get', key }] }),
        ...command('GET', key),
      ];
    case 'put':
      return [
        { method: 'PUT', target: `${at}/v1/keys/${path}`, body: 'new' },
        { method: 'PUT', target: item, body: 'new' },
        post(`${at}/v1/batch`, { operations: [{ op: 'put', key, value: 'new' }] }),
        post(`${at}/v1/transactions`, { operations: [{ op: 'put', key, value: 'new' }] }),
        ...command('SET', key, 'new'),
      ];
    case 'delete':
      return [
        { method: 'DELETE', target: `${at}/v1/keys/${path}` },
        { method: 'DELETE', target: item },
        post(`${at}/v1/batch`, { operations: [{ op: 'delete', key }] }),
        post(`${at}/v1/transactions`, { operations: [{ op: 'delete', key }] }),
        ...command('DEL', key),
      ];
    case 'list':
      return [
        { method: 'GET', target: `${at}/v1/keys?limit=1000` },
        { method: 'GET', target: `/unstorage/${namespace}/:` },
        ...command('KEYS', '*'),
        ...command('SCAN', '0', 'COUNT', '1000'),
      ];
    case 'count':
      return command('DBSIZE');
    case 'clear':
      return [{ method: 'DELETE', target: `/unstorage/${namespace}/:` }];
    case 'range':
      return [{ method: 'DELETE', target: `${at}/v1/keys?prefix=${path}` }];
    case 'flush':
      return command('FLUSHDB');
    case 'copy':
      return [...command('COPY', key, other, 'REPLACE'), ...command('BITOP', 'OR', other, key, key)];
    case 'mget':
      return [
        ...command('MGET', key, other),
        post(`${at}/v1/transactions`, { checks: [{ key, exists: true }, { key: other, exists: true }] }),
      ];
    default:
      return unreachable(act);
  } // prettier-ignore
}

function allows(oracle: Oracle, { act, namespace, key, other }: Request): boolean {
  switch (act) {
    case 'get':
      return may(oracle, 'read', namespace, key);
    case 'put':
    case 'delete':
      return may(oracle, 'write', namespace, key);
    case 'list':
    case 'count':
      return mayLook(oracle, 'read', namespace);
    case 'clear':
    case 'range':
      return mayLook(oracle, 'write', namespace);
    case 'flush':
      return mayFlush(oracle, namespace);
    case 'copy':
      return may(oracle, 'read', namespace, key) && may(oracle, 'write', namespace, other);
    case 'mget':
      return may(oracle, 'read', namespace, key) && may(oracle, 'read', namespace, other);
    default:
      return unreachable(act);
  }
}

/** The keys of the namespace that are different afterwards. */
function changes(oracle: Oracle, { act, namespace, key, other }: Request): readonly string[] {
  if (act === 'put' || act === 'delete') return [key];
  if (act === 'copy') return [other];
  if (act === 'flush') return keys;
  if (act !== 'clear' && act !== 'range') return [];
  const writable = keys.filter((each) => may(oracle, 'write', namespace, each));
  return act === 'clear' ? writable : writable.filter((each) => each.startsWith(key));
}

function isRefused(status: number, text: string): boolean {
  if (status === 401 || status === 403 || status === 404) return true;
  return /"status":(?:401|403|404)|NOPERM|NAMESPACE_NOT_FOUND/.test(text);
}

async function openRandom() {
  const model = new RandomlySplitStore();
  const clock = { wallMs: () => model.nowMs, monotonicMs: () => performance.now() };
  const opened = await openApp({ store: model, clock, access: closedAccess() });
  await makeNamespaces(opened.access, ...made);
  const restore = (): void => {
    for (const name of model.clientNames) model.entries.delete(name);
    for (const namespace of made) {
      for (const key of keys) {
        const name = { namespace, key: Buffer.from(key).toString('latin1') };
        void model.submit({ op: 'put', ...name, value: Buffer.from(`${namespace}/${key}`) });
      }
    }
  };
  return { ...opened, model, restore };
}

type Opened = Awaited<ReturnType<typeof openRandom>>;

function namesOf(namespace: string, some: readonly string[]): string[] {
  return some.map((key) => `${namespace}\n${Buffer.from(key).toString('latin1')}`);
}

/** All that the oracle foretells of a request. */
interface Facts {
  readonly request: string;
  readonly isRefused: boolean;
  /** Names of changed entries. */
  readonly changed: ReadonlySet<string>;
  /** Keys in a listing, or their number. */
  readonly shown: readonly string[] | number | undefined;
}

function shownIn(text: string, act: Request['act']): Facts['shown'] {
  if (act === 'count') return Number(/\d+/.exec(text)?.[0]);
  return act === 'list' ? listed(text) : undefined;
}

/** To clients of unstorage, a namespace that was not made is empty, if the caller may see all. */
function isEmptyInstead({ grants }: Oracle, { act }: Request, { target }: Sent): boolean {
  const seesAll = grants.some((grant) => grant.namespace === '*' && grant.prefixes === undefined);
  return target.startsWith('/unstorage/') && seesAll && ['list', 'delete', 'clear'].includes(act);
}

function foretold(oracle: Oracle, one: Request, sent: Sent): Facts {
  const { act, namespace } = one;
  const isMade = made.includes(namespace);
  const isAllowed = allows(oracle, one) && (isMade || isEmptyInstead(oracle, one, sent));
  const there = isMade ? keys : [];
  const readable = there.filter((key) => may(oracle, 'read', namespace, key));
  const isListing = act === 'count' || act === 'list';
  const shown = act === 'count' ? readable.length : readable;
  return {
    request: JSON.stringify(sent),
    isRefused: !isAllowed,
    changed: new Set(isAllowed && isMade ? namesOf(namespace, changes(oracle, one)) : []),
    shown: isAllowed && isListing ? shown : undefined,
  };
}

async function carryOut(opened: Opened, token: string, one: Request, sent: Sent): Promise<Facts> {
  const { url, model, restore } = opened;
  restore();
  model.isSplit = one.isSplit;
  const before = new Map(model.entries);
  const { method, target, body } = sent;
  const init = { method, headers: bearer(token), ...(body === undefined ? {} : { body }) };
  const reply = await fetch(url + target, init);
  const text = await reply.text();
  const names = new Set([...before.keys(), ...model.entries.keys()]);
  const changed = [...names].filter(
    (name) => !name.startsWith('~') && before.get(name) !== model.entries.get(name),
  );
  const refused = isRefused(reply.status, text);
  const shown = refused ? undefined : shownIn(text, one.act);
  return { request: JSON.stringify(sent), isRefused: refused, changed: new Set(changed), shown };
}

test('a request is carried out if and only if the rules allow it', async () => {
  const opened = await openRandom();
  const { access } = opened;
  const property = fc.asyncProperty(
    fc.array(oneGrant, { minLength: 1, maxLength: 4 }),
    fc.array(request, { minLength: 1, maxLength: 8 }),
    async (grants, requests) => {
      const oracle = { grants };
      const { id, token } = await makeToken(access, 'ann', grants);
      const isMaker = mayFlush(oracle, '*');
      // A put by an administrator would make the namespace for the requests behind it.
      for (const one of requests.filter(({ namespace }) => !isMaker || namespace !== 'none')) {
        const all = spellings(one);
        for (const sent of all.slice(one.dialect % all.length).slice(0, 1)) {
          // oxlint-disable-next-line no-await-in-loop -- each begins with the same entries
          const facts = await carryOut(opened, token, one, sent);
          expect(facts).toEqual(foretold(oracle, one, sent));
        }
      }
      await access.administration.deleteToken('ann', id);
    },
  );
  await fc.assert(property, { numRuns: 200 });
}, 60_000);

/** The keys in an answer, in whatever form its dialect gives them. */
function listed(text: string): string[] {
  const json = JSON.stringify(JSON.parse(text));
  return keys.filter((key) => json.includes(`"${key}"`));
}
