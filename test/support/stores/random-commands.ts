// Random commands for a store, and the simplest model of their effects: a Map.
import * as fc from 'fast-check';
import { expect } from 'vitest';
import { byteStringOfText } from '../../../src/base/byte-string.ts';
import type { Conditions } from '../../../src/store/operation.ts';
import type { Result } from '../../../src/store/result.ts';
import type { Store } from '../../../src/store/store.ts';
import { get, put, remove, walk } from './operations.ts';

type Condition = 'none' | 'absent' | 'present' | 'current' | 'stale';

export type Command =
  | {
      readonly do: 'put';
      key: string;
      value: Uint8Array;
      ttlMs: number | undefined;
      when: Condition;
    }
  | { readonly do: 'get'; key: string }
  | { readonly do: 'delete'; key: string; when: Condition }
  | { readonly do: 'list'; prefix: string; limit: number; reverse: boolean }
  | { readonly do: 'advance'; ms: number }
  | { readonly do: 'compact' }
  | { readonly do: 'restart'; how: 'stop' | 'kill' | 'power cut'; seed: number };

const keys = fc.constantFrom('a', 'a/b', 'é', '{a}x', '漢字/😀', '__proto__', '\0');
const conditions = fc.constantFrom<Condition>(
  'none',
  'none',
  'none',
  'absent',
  'present',
  'current',
  'stale',
);
const values = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => Buffer.from(text.toWellFormed())),
);

export const commands = (restarts: readonly ('stop' | 'kill' | 'power cut')[]) =>
  fc.array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          do: fc.constant('put' as const),
          key: keys,
          value: values,
          ttlMs: fc.option(fc.integer({ min: 1, max: 1000 }), { nil: undefined }),
          when: conditions,
        }),
      },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('get' as const), key: keys }) },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant('delete' as const), key: keys, when: conditions }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constant('list' as const),
          prefix: fc.constantFrom('', 'a', 'é', 'zz'),
          limit: fc.integer({ min: 1, max: 5 }),
          reverse: fc.boolean(),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constant('advance' as const),
          ms: fc.integer({ min: 1, max: 600 }),
        }),
      },
      { weight: 1, arbitrary: fc.constant({ do: 'compact' as const }) },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constant('restart' as const),
          how: fc.constantFrom(...restarts),
          seed: fc.nat(),
        }),
      },
    ),
    { minLength: 5, maxLength: 60, size: 'max' },
  );

interface ModelEntry {
  readonly value: Uint8Array;
  readonly version: number;
  readonly expiresAt: number | undefined;
}

export class Model {
  readonly #entries = new Map<string, ModelEntry>();
  #highestVersions = new Map<string, number>();

  /** The entries of the model that have not expired, by key. */
  alive(now: number): Map<string, ModelEntry> {
    const alive = [...this.#entries].filter(
      ([, { expiresAt }]) => expiresAt === undefined || expiresAt > now,
    );
    return new Map(alive);
  }

  /** Asks the store, checks its answer, and applies the command to the model. */
  async run(store: Store, command: Command, now: number): Promise<void> {
    if (command.do === 'get') {
      this.#checkRead(await store.submit(get(command.key)), this.alive(now).get(command.key));
    } else if (command.do === 'list') {
      await this.#list(store, command, now);
    } else if (command.do === 'put' || command.do === 'delete') {
      await this.#write(store, command, now);
    }
  }

  async checkAll(store: Store, now: number): Promise<void> {
    await this.#list(store, { prefix: '', limit: 2, reverse: false }, now);
    for (const [key, entry] of this.alive(now))
      this.#checkRead(await store.submit(get(key)), entry);
  }

  async #write(
    store: Store,
    command: Command & { readonly do: 'put' | 'delete' },
    now: number,
  ): Promise<void> {
    const { key, when } = command;
    const standing = this.alive(now).get(key)?.version ?? 0;
    const more = conditionsFor(when, standing);
    const holds =
      when === 'none' || when === 'stale'
        ? when === 'none'
        : (when === 'absent') === (standing === 0);
    const operation =
      command.do === 'put'
        ? put(key, command.value, { ttlMs: command.ttlMs, ...more })
        : remove(key, more);
    const result = await store.submit(operation);
    if (!holds) {
      expect(result).toEqual({ kind: 'condition-failed', version: standing });
    } else if (command.do === 'delete') {
      expect(result.kind).toBe(standing === 0 ? 'missing' : 'deleted');
      this.#entries.delete(key);
    } else {
      this.#put(command, result, standing === 0, now);
    }
  }

  #put(
    command: Command & { readonly do: 'put' },
    result: Result,
    isNew: boolean,
    now: number,
  ): void {
    const { key, value, ttlMs } = command;
    expect(result).toMatchObject({ kind: 'written', created: isNew });
    if (result.kind !== 'written') return;
    expect(result.version).toBeGreaterThan(this.#highestVersions.get(key) ?? 0);
    this.#highestVersions.set(key, result.version);
    const expiresAt = ttlMs === undefined ? undefined : now + ttlMs;
    this.#entries.set(key, { value, version: result.version, expiresAt });
  }

  async #list(
    store: Store,
    query: { prefix: string; limit: number; reverse: boolean },
    now: number,
  ): Promise<void> {
    const prefix = byteStringOfText(query.prefix);
    const items = await walk(store, { ...query, prefix });
    const expected = [...this.alive(now).keys()]
      .map(byteStringOfText)
      .filter((key) => key.startsWith(prefix))
      .toSorted((a, b) => (a < b ? -1 : 1));
    expect(items.map(({ key }) => key)).toEqual(query.reverse ? expected.toReversed() : expected);
  }

  #checkRead(result: Result, expected: ModelEntry | undefined): void {
    if (expected === undefined) {
      expect(result).toEqual({ kind: 'missing' });
      return;
    }
    const { value, version, expiresAt } = expected;
    expect(result).toMatchObject({ kind: 'entry', version, expiresAt });
    const read = result.kind === 'entry' ? Buffer.from(result.value ?? []) : undefined;
    expect(read?.equals(value)).toBe(true);
  }
}

function conditionsFor(when: Condition, standing: number): Conditions {
  if (when === 'none') return {};
  if (when === 'absent') return { ifNoneMatch: '*' };
  if (when === 'present') return { ifMatch: '*' };
  // The present version, or one that no entry has: 2^52 is never reached.
  return { ifMatch: [when === 'current' && standing > 0 ? standing : 2 ** 52] };
}
