// Random transactions for a server, and the simplest model of their effects: a Map.
import * as fc from 'fast-check';
import { expect } from 'vitest';
import { unreachable } from '../../../src/base/assert.ts';
import { post, type TransactionResult } from '../http/post-transaction.ts';

const keys = ['a', 'b', '{a}x', '漢字', '__proto__', 'n', 'm', 'é'];
const anyKey = fc.constantFrom(...keys);

const values = fc.oneof(
  fc
    .constantFrom('0', '1', '-1', '9223372036854775807', '-9223372036854775808')
    .map((text) => Buffer.from(text)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((n) => Buffer.from(n.toString())),
  fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
);

const operation = fc.oneof(
  fc.record({ op: fc.constant('get' as const), key: anyKey }),
  fc.record({ op: fc.constant('delete' as const), key: anyKey }),
  fc.record({
    op: fc.constant('put' as const),
    key: anyKey,
    value: values,
    ttlMs: fc.option(fc.integer({ min: 1, max: 500 }), { nil: undefined }),
  }),
  fc.record({
    op: fc.constant('increment' as const),
    key: anyKey,
    by: fc.oneof(fc.integer({ min: -9, max: 9 }), fc.maxSafeInteger()),
  }),
);

/** `current` and `stale` refer to the model at the time of the transaction. */
const check = fc.record({
  key: anyKey,
  says: fc.constantFrom(
    'current version',
    'current version',
    'current value',
    'current existence',
    'current existence',
    'stale version',
    'another value',
    'exists',
    'is missing',
  ),
});

export const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('transaction' as const),
      checks: fc.array(check, { maxLength: 3 }),
      operations: fc.array(operation, { minLength: 1, maxLength: 6 }),
      otherwise: fc.array(anyKey, { maxLength: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('put' as const), key: anyKey, value: values }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.integer({ min: 1, max: 400 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type TransactionStep = Step & { readonly do: 'transaction' };
type Operation = TransactionStep['operations'][number];
type Check = TransactionStep['checks'][number];

interface Entry {
  readonly value: Buffer;
  /** Undefined if the running transaction has put the entry. */
  readonly version: number | undefined;
  readonly expiresAt: number | undefined;
}

type Entries = Map<string, Entry>;

class NoInteger extends Error {}

function valueJson(value: Buffer): { value: string } | { valueBase64: string } {
  const text = value.toString();
  const isText = Buffer.from(text).equals(value);
  return isText ? { value: text } : { valueBase64: value.toString('base64') };
}

function readResult(entry: Entry | undefined): object {
  if (entry === undefined) return { status: 404, code: 'KEY_NOT_FOUND' };
  const { value, version, expiresAt } = entry;
  return { status: 200, version, expiresAt, ...valueJson(value) };
}

/**
 * Applies the operation to the entries.
 *
 * @returns the expected answer
 */
function carryOut(entries: Entries, one: Operation, now: number): object {
  const before = entries.get(one.key);
  const version = undefined;
  const durability = 'synced';
  switch (one.op) {
    case 'get':
      return readResult(before);
    case 'delete':
      if (!entries.delete(one.key)) return { status: 404, code: 'KEY_NOT_FOUND' };
      return { status: 204, durability };
    case 'put': {
      const expiresAt = one.ttlMs === undefined ? undefined : now + one.ttlMs;
      entries.set(one.key, { value: one.value, version, expiresAt });
      return { status: before === undefined ? 201 : 204, version, durability };
    }
    case 'increment': {
      const text = before === undefined ? '0' : before.value.toString('latin1');
      const isDecimal = /^-?[0-9]+$/.test(text) && BigInt(text).toString() === text;
      if (!isDecimal || BigInt.asIntN(64, BigInt(text)) !== BigInt(text)) throw new NoInteger();
      const sum = BigInt(text) + BigInt(one.by);
      if (BigInt.asIntN(64, sum) !== sum) throw new NoInteger();
      const value = Buffer.from(sum.toString());
      const expiresAt = before?.expiresAt;
      entries.set(one.key, { value, version, expiresAt });
      return { status: 200, version, expiresAt, value: sum.toString(), durability };
    }
    default:
      return unreachable(one);
  }
}

const nowhere = Buffer.from('nowhere else');

/** @returns the check as JSON, and whether it must hold */
function checkJson(entries: Entries, { key, says }: Check): { json: object; holds: boolean } {
  const entry = entries.get(key);
  const exists = entry !== undefined;
  switch (says) {
    case 'current version':
      return { json: { key, version: entry?.version ?? 1 }, holds: exists };
    case 'current value':
      return { json: { key, ...valueJson(entry?.value ?? nowhere) }, holds: exists };
    case 'current existence':
      return { json: { key, exists }, holds: true };
    case 'stale version':
      return { json: { key, version: 2 ** 52 }, holds: false };
    case 'another value':
      return { json: { key, ...valueJson(nowhere) }, holds: false };
    case 'exists':
      return { json: { key, exists: true }, holds: exists };
    case 'is missing':
      return { json: { key, exists: false }, holds: !exists };
    default:
      return unreachable(says);
  }
}

function operationJson(one: Operation): object {
  if (one.op !== 'put') return one;
  const { op, key, value, ttlMs } = one;
  return { op, key, ...valueJson(value), ttl: ttlMs === undefined ? undefined : `${ttlMs}ms` };
}

export class PlainModel {
  #entries: Entries = new Map();
  readonly #highest = new Map<string, number>();

  alive(now: number): Entries {
    return new Map([...this.#entries].filter(([, { expiresAt = Infinity }]) => expiresAt > now));
  }

  async transact(url: string, { checks, operations, otherwise }: TransactionStep, now: number) {
    const before = this.alive(now);
    const judged = checks.map((one) => checkJson(before, one));
    const gets = otherwise.map((key) => ({ op: 'get' as const, key }));
    const reply = await post(
      url,
      JSON.stringify({
        checks: judged.map(({ json }) => json),
        operations: operations.map(operationJson),
        otherwise: gets,
      }),
    );
    const { results = [] } = reply.json as { results?: TransactionResult[] };
    const failedChecks = judged.flatMap(({ holds }, place) => (holds ? [] : [place]));
    if (failedChecks.length > 0) {
      expect(reply.status).toBe(409);
      const read = gets.map(({ key }) => readResult(before.get(key)));
      expect(reply.json).toEqual({ committed: false, failedChecks, results: read });
      return;
    }
    const after = new Map(before);
    let expected: object[];
    try {
      expected = operations.map((one) => carryOut(after, one, now));
    } catch (error) {
      if (!(error instanceof NoInteger)) throw error;
      expect(reply.status).toBe(422);
      expect(reply.json).toHaveProperty('code', 'VALUE_NOT_AN_INTEGER');
      return;
    }
    const given = this.#checkVersions(operations, expected, results);
    expect(reply.status).toBe(200);
    expect(reply.json).toEqual({ committed: true, results: expected });
    this.#entries = new Map();
    for (const [key, entry] of after) {
      const { version = given.get(key) ?? 0 } = entry;
      this.#entries.set(key, { ...entry, version });
      // An entry that the same transaction deletes again never had its version.
      this.#highest.set(key, version);
    }
  }

  async put(url: string, key: string, value: Buffer): Promise<void> {
    const body = new Uint8Array(value);
    const path = `/v1/keys/${encodeURIComponent(key)}`;
    const reply = await fetch(url + path, { method: 'PUT', body });
    const version = Number(reply.headers.get('etag')?.slice(1, -1));
    expect(version).toBeGreaterThan(this.#highest.get(key) ?? 0);
    this.#highest.set(key, version);
    this.#entries.set(key, { value, version, expiresAt: undefined });
  }

  async checkAll(url: string, now: number): Promise<void> {
    const operations = keys.map((key) => ({ op: 'get', key }));
    const { json } = await post(url, JSON.stringify({ operations }));
    const alive = this.alive(now);
    const results = keys.map((key) => readResult(alive.get(key)));
    expect(json).toEqual({ committed: true, results });
  }

  /** Each written key has one new version, which fills the open places of the answer. */
  #checkVersions(
    operations: readonly Operation[],
    expected: object[],
    results: readonly TransactionResult[],
  ): ReadonlyMap<string, number> {
    const given = new Map<string, number>();
    for (const [place, { key }] of operations.entries()) {
      const one = expected[place] as { version?: number | undefined };
      if (!('version' in one) || one.version !== undefined) continue;
      const version = given.get(key) ?? results[place]?.version ?? 0;
      if (!given.has(key)) expect(version).toBeGreaterThan(this.#highest.get(key) ?? 0);
      given.set(key, version);
      one.version = version;
    }
    return given;
  }
}
