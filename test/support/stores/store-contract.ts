// The contract of Store: every implementation must pass these tests.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { byteStringOfText } from '../../../src/base/byte-string.ts';
import { StoreError } from '../../../src/base/errors.ts';
import { rangeOfPrefix, type ListQuery } from '../../../src/store/listing.ts';
import type { EntryName, Operation } from '../../../src/store/operation.ts';
import type { Result } from '../../../src/store/result.ts';
import type { Store } from '../../../src/store/store.ts';
import type { EntryPut } from '../../../src/store/transaction.ts';
import type { ManualClock } from '../simulated/manual-clock.ts';
import {
  get,
  listOf,
  missing,
  namespace,
  put,
  remove,
  textOf,
  versionOf,
  walk,
} from './operations.ts';

export interface ContractHarness {
  readonly store: Store;
  readonly clock: ManualClock;
  /** Deletes the entries of these namespaces. */
  readonly empty: (namespaces: readonly string[]) => Promise<void>;
  readonly close: () => Promise<void>;
}

/**
 * Abilities that some implementations lack. With `versions` a transaction knows versions in
 * advance, and a write tells the one before it. `flush` is a flush within a transaction. `order` is between a transaction and an
 * operation right after it. `within` is a listing or a count of some ranges of keys. `synced` is a
 * transaction that is synced in every mode.
 */
export type ContractAbility =
  | 'authorization'
  | 'namespaces'
  | 'count'
  | 'within'
  | 'measure'
  | 'synced'
  | 'flush'
  | 'order'
  | 'versions';

/** For harnesses over a store that has flushes. */
export async function flushAll(store: Store, namespaces: readonly string[]): Promise<void> {
  const plan = () => ({ output: undefined, changes: [], flush: namespaces });
  const { kind } = await store.transact([], plan, { alone: namespaces });
  expect(kind).toBe('committed');
}

export interface ContractOptions {
  /** Called once, because starting threads costs more than all operations of a test. */
  readonly open: () => Promise<ContractHarness>;
  /** The reason for each missing ability, printed with each skipped case. */
  readonly cannot?: {
    readonly [Ability in ContractAbility]?: string;
  };
}

const hostileKeys = [
  '__proto__', 'constructor', 'hasOwnProperty', '.', '..', '../..', '/', '//', 'a//b', '/a', 'a/',
  ' ', '\0', '\n', '"', '\\', '%2F', '%', '+', '?', '#', 'key with spaces', 'é', 'ß', '漢字', '😀',
  '\u{10ffff}', '\u{feff}', '\u{2028}', '\u{fffd}', '{tag}', '{', '}', '{}', 'x'.repeat(1024),
]; // prettier-ignore

export function storeContract(name: string, options: ContractOptions): void {
  describe(`the store contract: ${name}`, () => {
    let harness: ContractHarness;
    let store: Store;
    beforeAll(async () => {
      harness = await options.open();
      ({ store } = harness);
    });
    beforeEach(() => harness.empty([namespace, 'other']));
    afterAll(() => harness.close());

    async function submit(operation: Operation): Promise<Result> {
      return await store.submit(operation);
    }

    function testIfAble(ability: ContractAbility, title: string, run: () => Promise<void>): void {
      const reason = options.cannot?.[ability];
      test(title, async (context) => {
        if (reason !== undefined) {
          // The default reporter says that a case was skipped, but not why.
          console.info(`left out: "${title}": ${reason}`);
          context.skip(reason);
        }
        await run();
      });
    }

    describe('one entry', () => {
      test('a key that was never written is missing', async () => {
        expect(await submit(get('a'))).toEqual({ kind: 'missing' });
        expect(await submit(remove('a'))).toEqual({ kind: 'missing' });
      });

      test('a written value is read back, with its version and size', async () => {
        const written = await submit(put('a', 'x'));
        expect(written).toMatchObject({ kind: 'written', created: true });
        const read = await submit(get('a'));
        expect(read).toMatchObject({ kind: 'entry', version: versionOf(written), size: 1 });
        expect(textOf(read)).toBe('x');
        expect(read).toHaveProperty('expiresAt', undefined);
      });

      test('head gives all but the value', async () => {
        const version = versionOf(await submit(put('a', 'abc')));
        const head = await submit({ op: 'head', namespace, key: 'a' });
        expect(head).toMatchObject({ kind: 'entry', version, size: 3, value: undefined });
      });

      test.each([
        ['nothing', Buffer.alloc(0)],
        ['every byte', Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
        ['UTF-8 with a byte order mark', Buffer.from('\u{feff}é漢😀\0"\\\n\u{2028}')],
        ['cut UTF-8', Buffer.from('é漢').subarray(0, 4)],
        ['encoded surrogates', Buffer.from([0xed, 0xa0, 0x80])],
        ['JSON that JSON.parse would change', Buffer.from('{"a":1e999,"a":12345678901234567890}')],
        ['deeply nested JSON', Buffer.from('['.repeat(100_000))],
        ['one MiB of zeros', Buffer.alloc(1024 * 1024)],
        ['8 MiB of random-looking bytes', Buffer.alloc(8 * 1024 * 1024, 'h\u{ff}\u{80}old')],
      ])('%s comes back byte for byte', async (_, value) => {
        await submit(put('a', value));
        const read = await submit(get('a'));
        expect(read.kind === 'entry' && Buffer.from(read.value ?? []).equals(value)).toBe(true);
      });

      test('any well-formed text is an ordinary key', async () => {
        await submit(put('another', '1'));
        for (const key of hostileKeys) {
          await submit(put(key, `value of ${key}`));
          const read = textOf(await submit(get(key)));
          expect([key, read]).toEqual([key, `value of ${key}`]);
        }
        const listed = (await walk(store, {})).map(({ key }) => key);
        const expected = ['another', ...hostileKeys].map(byteStringOfText);
        expect(listed).toEqual(expected.toSorted((a, b) => (a < b ? -1 : 1)));
        for (const key of hostileKeys) {
          const { kind } = await submit(remove(key));
          expect([key, kind]).toEqual([key, 'deleted']);
          expect(await submit(get(key))).toEqual({ kind: 'missing' });
        }
        expect(textOf(await submit(get('another')))).toBe('1');
      });

      test('a key with no entry is created, with one replaced', async () => {
        expect(await submit(put('a', '1'))).toMatchObject({ created: true });
        expect(await submit(put('a', '2'))).toMatchObject({ created: false });
        await submit(remove('a'));
        expect(await submit(put('a', '3'))).toMatchObject({ created: true });
      });

      test("a key's versions grow, over deletion too", async () => {
        const first = versionOf(await submit(put('a', '1')));
        const second = versionOf(await submit(put('a', '1')));
        await submit(remove('a'));
        const third = versionOf(await submit(put('a', '1')));
        expect(first).toBeGreaterThan(0);
        expect(second).toBeGreaterThan(first);
        expect(third).toBeGreaterThan(second);
      });

      test('writes say what they have reached', async () => {
        const { durability } = store;
        expect(await submit(put('a', '1'))).toMatchObject({ durability });
        expect(await submit(remove('a'))).toMatchObject({ durability });
      });
    });

    describe('conditions', () => {
      test('a write whose condition does not hold changes nothing and names the version', async () => {
        const version = versionOf(await submit(put('a', '1')));
        const failed = { kind: 'condition-failed', version };
        expect(await submit(put('a', '2', { ifMatch: [version + 1000] }))).toEqual(failed);
        expect(await submit(put('a', '2', { ifNoneMatch: '*' }))).toEqual(failed);
        expect(await submit(put('a', '2', { ifNoneMatch: [version] }))).toEqual(failed);
        expect(await submit(remove('a', { ifMatch: [version + 1000] }))).toEqual(failed);
        expect(await submit(remove('a', { ifNoneMatch: [version] }))).toEqual(failed);
        expect(textOf(await submit(get('a')))).toBe('1');
      });

      test('a write whose condition holds is carried out', async () => {
        expect(await submit(put('a', '1', { ifNoneMatch: '*' }))).toMatchObject({ created: true });
        const first = versionOf(await submit(get('a')));
        const second = await submit(put('a', '2', { ifMatch: [first + 1000, first] }));
        expect(second).toMatchObject({ kind: 'written', created: false });
        const third = await submit(put('a', '3', { ifMatch: '*', ifNoneMatch: [first] }));
        expect(third).toMatchObject({ kind: 'written' });
        const last = versionOf(third);
        expect(await submit(remove('a', { ifMatch: [last] }))).toMatchObject({ kind: 'deleted' });
      });

      testIfAble('versions', 'a write tells the version before it, or 0', async () => {
        const first = await submit(put('a', '1'));
        const second = await submit(put('a', '2'));
        const gone = await submit(remove('a'));
        const again = await submit(put('a', '3'));
        const told = [first, second, gone, again].map((result) =>
          'previousVersion' in result ? result.previousVersion : undefined,
        );
        expect(told).toEqual([0, versionOf(first), versionOf(second), 0]);
      });

      test('a condition on an entry that is missing or has expired sees version 0', async () => {
        const failed = { kind: 'condition-failed', version: 0 };
        expect(await submit(put('a', '1', { ifMatch: '*' }))).toEqual(failed);
        expect(await submit(put('a', '1', { ifMatch: [1] }))).toEqual(failed);
        expect(await submit(remove('a', { ifMatch: '*' }))).toEqual(failed);
        await submit(put('a', '1', { ttlMs: 10 }));
        harness.clock.advance(10);
        expect(await submit(put('a', '2', { ifMatch: '*' }))).toEqual(failed);
        expect(await submit(put('a', '2', { ifNoneMatch: '*' }))).toMatchObject({ created: true });
      });
    });

    describe('expiry', () => {
      test('an entry is there until its deadline and gone from then on', async () => {
        await submit(put('a', '1', { ttlMs: 5000 }));
        const deadline = harness.clock.wallMs() + 5000;
        harness.clock.advance(4999);
        expect(await submit(get('a'))).toMatchObject({ kind: 'entry', expiresAt: deadline });
        expect(await submit(get('a'))).toMatchObject({ kind: 'entry', expiresAt: deadline });
        harness.clock.advance(1);
        expect(await submit(get('a'))).toEqual({ kind: 'missing' });
        expect(await submit(remove('a'))).toEqual({ kind: 'missing' });
        expect(await walk(store, {})).toEqual([]);
      });

      test('a put without a time to live lifts an earlier one', async () => {
        await submit(put('a', '1', { ttlMs: 5000 }));
        await submit(put('a', '2'));
        harness.clock.advance(10_000);
        expect(textOf(await submit(get('a')))).toBe('2');
      });

      test('a clock that goes back brings nothing back', async () => {
        await submit(put('a', '1', { ttlMs: 5000 }));
        harness.clock.advance(5000);
        expect(await submit(get('a'))).toEqual({ kind: 'missing' });
        harness.clock.jump(-60_000);
        expect(await submit(get('a'))).toEqual({ kind: 'missing' });
        harness.clock.jump(60_000);
      });
    });

    describe('authorization', () => {
      const refusal = new StoreError('FORBIDDEN', 'not this one');
      /** Allows reads of keys with an r, and writes of keys with a w. */
      const authorization = {
        refusalOfRead: ({ key }: EntryName) => (key.includes('r') ? undefined : refusal),
        refusalOfWrite: ({ key }: EntryName) => (key.includes('w') ? undefined : refusal),
      };
      const asCaller = { authorization };
      const refused = { kind: 'refused', error: refusal };

      testIfAble(
        'authorization',
        'each operation is judged, and a refused one has no effect',
        async () => {
          const all = ['-', 'r', 'w', 'rw'];
          await store.submitAll(all.map((key) => put(key, 'old')));
          const reads = await Promise.all(all.map(async (key) => store.submit(get(key), asCaller)));
          expect(reads.map(({ kind }) => kind)).toEqual(['refused', 'entry', 'refused', 'entry']);
          // They may be read directly now.
          const again = await Promise.all(all.map(async (key) => store.submit(get(key), asCaller)));
          expect(again.map(({ kind }) => kind)).toEqual(['refused', 'entry', 'refused', 'entry']);
          const together = await store.getMany(
            all.map((key) => get(key)),
            asCaller,
          );
          expect(together.map(({ kind }) => kind)).toEqual([
            'refused',
            'entry',
            'refused',
            'entry',
          ]);
          const writes = await store.submitAll(
            all.map((key) => put(key, 'new')),
            asCaller,
          );
          expect(writes.map(({ kind }) => kind)).toEqual([
            'refused',
            'refused',
            'written',
            'written',
          ]);
          expect(await store.submit(remove('r'), asCaller)).toEqual(refused);
          expect((await store.getMany(all.map((key) => get(key)))).map(textOf)).toEqual([
            'old',
            'old',
            'new',
            'new',
          ]);
        },
      );

      testIfAble(
        'authorization',
        'a transaction that names one refused entry changes none',
        async () => {
          const changed = { value: Buffer.from('changed'), expiresAt: undefined };
          const change = () => ({ output: 'done', changes: [undefined, changed] });
          const transact = (read: string, written: string) =>
            store.transact([{ ...get(read), isReadOnly: true }, get(written)], change, asCaller);
          expect(await transact('r', 'w')).toMatchObject({ kind: 'committed', output: 'done' });
          expect(await transact('w', 'rw')).toEqual(refused);
          expect(await transact('rw', 'r')).toEqual(refused);
          const values = await store.getMany(['w', 'rw', 'r'].map((key) => get(key)));
          expect(values.map(textOf)).toEqual(['changed', undefined, undefined]);
        },
      );
    });

    describe('many operations', () => {
      test('results stand in the order of the operations', async () => {
        await submit(put('b', 'there'));
        const results = await store.submitAll([get('a'), get('b'), put('c', '1'), remove('b')]);
        expect(results.map(({ kind }) => kind)).toEqual(['missing', 'entry', 'written', 'deleted']);
      });

      test('operations on one key take effect in order', async () => {
        const results = await store.submitAll([
          put('a', '1'),
          get('a'),
          put('a', '2', { ifNoneMatch: '*' }),
          remove('a'),
          get('a'),
          put('a', '3', { ifNoneMatch: '*' }),
          get('a'),
        ]);
        expect(results.map(({ kind }) => kind)).toEqual([
          'written', 'entry', 'condition-failed', 'deleted', 'missing', 'written', 'entry',
        ]); // prettier-ignore
        expect(results.map(textOf)[6]).toBe('3');
      });

      test('no operations give no results', async () => {
        expect(await store.submitAll([])).toEqual([]);
      });

      test('thousands of operations at once are all carried out', async () => {
        const keys = Array.from({ length: 5000 }, (_, index) => `key-${index}`);
        const written = await store.submitAll(keys.map((key) => put(key, key)));
        expect(written.every(({ kind }) => kind === 'written')).toBe(true);
        const read = await store.submitAll(keys.map(get));
        expect(read.map(textOf)).toEqual(keys);
      });

      test('reads that follow each other see what was acknowledged between', async () => {
        for (let round = 0; round < 20; round++) {
          await submit(put('a', `${round}`));
          expect(textOf(await submit(get('a')))).toBe(`${round}`);
          expect(textOf(await submit(get('a')))).toBe(`${round}`);
        }
      });
    });

    describe('listing', () => {
      const keys = ['a', 'a/1', 'a/2', 'b', 'é', '漢', '😀', '\u{e000}'];
      beforeEach(async () => {
        await store.submitAll(keys.map((key) => put(key, `value of ${key}`)));
      });
      const inOrder = keys.map(byteStringOfText).toSorted((a, b) => (a < b ? -1 : 1));

      async function keysOf(query: Partial<ListQuery>): Promise<string[]> {
        return (await walk(store, query)).map(({ key }) => key);
      }

      test('keys come in the order of their UTF-8 bytes, either way', async () => {
        expect(await keysOf({})).toEqual(inOrder);
        expect(await keysOf({ reverse: true })).toEqual(inOrder.toReversed());
      });

      test.each([1, 2, 3, 7])('a walk by pages of %i finds each key once', async (limit) => {
        expect(await keysOf({ limit })).toEqual(inOrder);
        expect(await keysOf({ limit, reverse: true })).toEqual(inOrder.toReversed());
      });

      test('a prefix takes the keys that begin with it', async () => {
        expect(await keysOf({ prefix: 'a' })).toEqual(['a', 'a/1', 'a/2']);
        expect(await keysOf({ prefix: 'a/', reverse: true })).toEqual(['a/2', 'a/1']);
        expect(await keysOf({ prefix: byteStringOfText('é') })).toEqual([byteStringOfText('é')]);
        expect(await keysOf({ prefix: 'zz' })).toEqual([]);
      });

      test('start is inclusive and end exclusive, either way', async () => {
        expect(await keysOf({ start: 'a/1', end: 'b' })).toEqual(['a/1', 'a/2']);
        expect(await keysOf({ start: 'a/1', end: 'b', reverse: true })).toEqual(['a/2', 'a/1']);
        expect(await keysOf({ prefix: 'a', start: 'a/2' })).toEqual(['a/2']);
        expect(await keysOf({ start: 'b', end: 'a' })).toEqual([]);
      });

      testIfAble('within', 'a listing finds the keys of its ranges, and no others', async () => {
        await store.submitAll([
          { op: 'put', namespace: 'other', key: 'a/1', value: Buffer.from('elsewhere') },
        ]);
        const within = [
          { low: 'a', high: 'a/2' },
          { low: 'a/2', high: 'a/2' },
          { low: 'ab', high: 'c' },
          { low: byteStringOfText('漢'), high: byteStringOfText('😀') },
        ];
        const found = ['a', 'a/1', 'b', byteStringOfText('漢'), byteStringOfText('\u{e000}')];
        for (const limit of [1, 2, 3, 100]) {
          expect(await keysOf({ within, limit })).toEqual(found);
          expect(await keysOf({ within, limit, reverse: true })).toEqual(found.toReversed());
        }
        expect(await keysOf({ within, prefix: 'a' })).toEqual(['a', 'a/1']);
        expect(await keysOf({ within, start: 'a/1', end: 'b' })).toEqual(['a/1']);
        expect(await keysOf({ within, start: 'a/1', end: 'c', reverse: true })).toEqual([
          'b',
          'a/1',
        ]);
        expect(await keysOf({ within: [] })).toEqual([]);
        expect(await keysOf({ within: [rangeOfPrefix('')] })).toEqual(inOrder);
        expect(await keysOf({ within: [rangeOfPrefix('a/')] })).toEqual(['a/1', 'a/2']);
      });

      testIfAble(
        'within',
        'a page of ranges goes on behind any key, in or between them',
        async () => {
          const within = [
            { low: 'a', high: 'a/2' },
            { low: 'b', high: 'c' },
          ];
          const firstBehind = async (
            after: string,
            reverse: boolean,
          ): Promise<string | undefined> =>
            (await store.list(listOf({ within, after, reverse, limit: 1 }))).items[0]?.key;
          for (const [after, next, before] of [
            ['', 'a', undefined],
            ['a', 'a/1', undefined],
            ['a/1', 'b', 'a'],
            ['a/2', 'b', 'a/1'],
            ['b', undefined, 'a/1'],
            ['zz', undefined, 'b'],
          ] as const) {
            expect([after, await firstBehind(after, false)]).toEqual([after, next]);
            expect([after, await firstBehind(after, true)]).toEqual([after, before]);
          }
        },
      );

      test('a full last page is the last', async () => {
        const page = await store.list(listOf({ limit: keys.length }));
        expect(page.items).toHaveLength(keys.length);
        expect(page.next).toBeUndefined();
      });

      test('items have version and size, and values where they are asked for', async () => {
        const version = versionOf(await submit(get('漢')));
        const [without] = (await store.list(listOf({ prefix: byteStringOfText('漢') }))).items;
        expect(without).toMatchObject({ version, size: 12, value: undefined });
        const query = { prefix: byteStringOfText('漢'), includeValues: true };
        const [item] = (await store.list(listOf(query))).items;
        expect(Buffer.from(item?.value ?? []).toString()).toBe('value of 漢');
      });

      test('values of more than a page holds come in several pages', async () => {
        const large = Array.from({ length: 12 }, (_, index) => `large/${index + 10}`);
        await store.submitAll(large.map((key) => put(key, Buffer.alloc(300_000, key))));
        const items = await walk(store, { prefix: 'large/', includeValues: true });
        expect(items.map(({ key }) => key)).toEqual(large);
        for (const { key, value } of items) {
          expect(Buffer.from(value ?? []).equals(Buffer.alloc(300_000, key))).toBe(true);
        }
      });
    });

    testIfAble('count', 'a count leaves out what has expired', async () => {
      await store.submitAll([put('a', '1'), put('b', '1', { ttlMs: 100 }), put('c', '1')]);
      expect(await store.count(namespace)).toBe(3);
      harness.clock.advance(100);
      expect(await store.count(namespace)).toBe(2);
    });

    testIfAble('within', 'a count is of the keys in its ranges', async () => {
      const keys = Array.from({ length: 300 }, (_, number) => `k${1000 + number}`);
      await store.submitAll([
        ...keys.map((key) => put(key, '1')),
        put('k1100', '1', { ttlMs: 50 }),
      ]);
      const within = [
        { low: 'k1100', high: 'k1110' },
        { low: 'k1200', high: 'k1200' },
        { low: 'k1290', high: 'z' },
      ];
      expect(await store.count(namespace, within)).toBe(20);
      expect(await store.count(namespace, [])).toBe(0);
      expect(await store.count('other', within)).toBe(0);
      harness.clock.advance(50);
      expect(await store.count(namespace, within)).toBe(19);
      expect(await store.count(namespace, [{ low: 'k1101', high: 'k1110' }])).toBe(9);
    });

    testIfAble('measure', 'namespaces are measured by their keys and bytes', async () => {
      const elsewhere = { namespace: 'other', key: 'é' } as const;
      await store.submitAll([put('a', '12345'), put('bb', '1'), put('c', '1'), put('c', '12')]);
      await submit({ op: 'put', ...elsewhere, value: Buffer.from('there') });
      const own = { namespace, keys: 3, bytes: 12 };
      const other = { namespace: 'other', keys: 1, bytes: 6 };
      expect(await store.measure()).toEqual([own, other]);
      expect(await store.measure(['other', 'none', namespace])).toEqual([
        other,
        { namespace: 'none', keys: 0, bytes: 0 },
        own,
      ]);
      expect(await store.measure([])).toEqual([]);
      await store.submitAll([remove('a'), { op: 'delete', ...elsewhere }]);
      expect(await store.measure()).toEqual([{ namespace, keys: 2, bytes: 6 }]);
    });

    testIfAble('namespaces', 'namespaces do not see each other', async () => {
      const elsewhere = { namespace: 'other', key: 'a' };
      await submit(put('a', 'here'));
      await submit({ op: 'put', ...elsewhere, value: Buffer.from('there') });
      expect(textOf(await submit({ op: 'get', ...elsewhere }))).toBe('there');
      expect(textOf(await submit(get('a')))).toBe('here');
      expect(await walk(store, { namespace: 'other' })).toHaveLength(1);
      await submit({ op: 'delete', ...elsewhere });
      expect(await walk(store, { namespace: 'other' })).toEqual([]);
      expect(textOf(await submit(get('a')))).toBe('here');
    });

    describe('transactions', () => {
      const keys = ['a', 'b', 'c', '{x}1', '{x}2', 'd'];
      const names = keys.map((key) => ({ namespace, key }));
      const bytes = (text: string): EntryPut => ({
        value: Buffer.from(text),
        expiresAt: undefined,
      });

      testIfAble('versions', 'all planned changes are made, with the versions told', async () => {
        await store.submitAll([put('a', '1'), put('b', '1')]);
        const result = await store.transact(names, ({ entries, versions }) => ({
          output: { found: entries.map((entry) => entry !== undefined), versions },
          changes: [bytes('2'), 'delete', bytes('2'), bytes('2'), bytes('2'), 'delete'],
        }));
        if (result.kind !== 'committed') throw result.error;
        expect(result.output.found).toEqual([true, true, false, false, false, false]);
        expect(['synced', 'written']).toContain(result.durability);
        const read = await store.getMany(names);
        expect(read.map(textOf)).toEqual(['2', undefined, '2', '2', '2', undefined]);
        for (const [index, entry] of read.entries()) {
          if (entry.kind === 'entry') expect(entry.version).toBe(result.output.versions[index]);
        }
        const versions = versionOf(await submit(put('a', '3')));
        expect(versions).toBeGreaterThan(result.output.versions[0] ?? Infinity);
      });

      testIfAble('synced', 'one that must be synced says so', async () => {
        const [first] = names;
        if (first === undefined) throw new Error('there are names');
        const plan = () => ({ output: undefined, changes: [bytes('1')] });
        expect(await store.transact([first], plan, { synced: true })).toMatchObject({
          kind: 'committed',
          durability: 'synced',
        });
        expect(textOf(await submit(get('a')))).toBe('1');
      });

      test('a plan that throws changes nothing', async () => {
        await submit(put('a', '1'));
        const planned = store.transact(names, () => {
          throw new Error('changed its mind');
        });
        await expect(planned).rejects.toThrow('changed its mind');
        expect(textOf(await submit(get('a')))).toBe('1');
        expect(await submit(put('b', '1'))).toMatchObject({ kind: 'written' });
      });

      test('one that changes nothing reads one moment', async () => {
        await submit(put('a', '1'));
        const result = await store.transact(names, ({ entries }) => ({
          output: entries.filter((entry) => entry !== undefined).length,
          changes: [],
        }));
        expect(result).toEqual({ kind: 'committed', output: 1, durability: undefined });
      });

      test('deadlines are judged and set by one time', async () => {
        await store.submitAll([put('a', '1', { ttlMs: 100 }), put('b', '1', { ttlMs: 100 })]);
        harness.clock.advance(100);
        const result = await store.transact(names, ({ entries, now }) => ({
          output: entries.slice(0, 2),
          changes: [{ ...bytes('2'), expiresAt: now + 50 }, undefined, bytes('2')],
        }));
        expect(result).toMatchObject({ output: [undefined, undefined] });
        expect(textOf(await submit(get('a')))).toBe('2');
        harness.clock.advance(50);
        expect(await submit(get('a'))).toEqual({ kind: 'missing' });
        expect(textOf(await submit(get('c')))).toBe('2');
      });

      testIfAble(
        'flush',
        'a flush deletes a namespace at one moment, and nothing else',
        async () => {
          await store.submitAll(keys.map((key) => put(key, '1', { ttlMs: 1000 })));
          const elsewhere = { namespace: 'other', key: 'a' };
          await submit({ op: 'put', ...elsewhere, value: Buffer.from('there') });
          const flushed = await store.transact(
            [{ namespace, key: 'b' }],
            ({ entries }) => ({
              output: entries[0]?.size,
              changes: [bytes('2')],
              flush: [namespace],
            }),
            { alone: true },
          );
          expect(flushed).toMatchObject({ kind: 'committed', output: 1 });
          expect((await walk(store, {})).map(({ key }) => key)).toEqual(['b']);
          expect(await store.count(namespace)).toBe(1);
          expect((await store.getMany(names)).map(textOf)).toEqual(
            keys.map((key) => (key === 'b' ? '2' : undefined)),
          );
          expect(textOf(await submit({ op: 'get', ...elsewhere }))).toBe('there');
          harness.clock.advance(1000);
          expect(await store.count(namespace)).toBe(1);
          await submit(put('a', '3'));
          expect(await store.count(namespace)).toBe(2);
        },
      );

      testIfAble(
        'flush',
        'a flush of one namespace and a change of another one are one moment',
        async () => {
          await store.submitAll(keys.map((key) => put(key, '1')));
          const elsewhere = { namespace: 'other', key: 'a' };
          const dropped = store.transact(
            [elsewhere],
            () => ({ output: undefined, changes: [bytes('dropped')], flush: [namespace] }),
            { alone: [namespace] },
          );
          const behind = store.submit(put('a', '2', { ifNoneMatch: '*' }));
          const looks = Array.from({ length: 20 }, async () => {
            const [there, first, last] = await store.getMany([
              elsewhere,
              { namespace, key: 'b' },
              { namespace, key: 'd' },
            ]);
            const isDropped = there?.kind === 'entry';
            expect([first?.kind === 'missing', last?.kind === 'missing']).toEqual([
              isDropped,
              isDropped,
            ]);
          });
          expect(await dropped).toMatchObject({ kind: 'committed' });
          expect(await behind).toMatchObject({ kind: 'written', created: true });
          await Promise.all(looks);
          expect((await walk(store, {})).map(({ key }) => key)).toEqual(['a']);
          expect(textOf(await submit({ op: 'get', ...elsewhere }))).toBe('dropped');
        },
      );

      testIfAble(
        'flush',
        'a flush comes between other transactions, never into the midst of one',
        async () => {
          const two = [names[0], names[1]].filter((one) => one !== undefined);
          const writes = Array.from({ length: 40 }, () =>
            store.transact(two, ({ entries }) => ({
              output: undefined,
              changes: entries.map((entry) =>
                bytes(`${Number(textOf(entry ?? missing) ?? 0) + 1}`),
              ),
            })),
          );
          const flushes = Array.from({ length: 10 }, (_, index) =>
            store.transact([], () => ({ output: undefined, changes: [], flush: [namespace] }), {
              alone: index % 2 === 0 ? true : [namespace],
            }),
          );
          const looks = Array.from({ length: 40 }, async () => {
            const [first, second] = (await store.getMany(two)).map(textOf);
            expect(first).toBe(second);
            const page = await store.list(listOf({ includeValues: true }));
            expect([0, 2]).toContain(page.items.length);
          });
          for (const result of await Promise.all([...writes, ...flushes])) {
            expect(result.kind).toBe('committed');
          }
          await Promise.all(looks);
        },
      );

      testIfAble('authorization', 'operations are judged when they get their places', async () => {
        const refusal = new StoreError('FORBIDDEN', 'not any more');
        let isAllowed = true;
        const judge = () => (isAllowed ? undefined : refusal);
        const authorization = { refusalOfRead: judge, refusalOfWrite: judge };
        const asCaller = { authorization };
        await submit(put('a', 'before'));
        const transaction = store.transact(
          names,
          () => {
            // The operations behind this one wait for the locks of its keys.
            isAllowed = false;
            return { output: undefined, changes: [bytes('after')] };
          },
          asCaller,
        );
        const behind = Promise.all([
          Promise.resolve(store.submit(put('a', 'behind'), asCaller)),
          store.submitAll([get('a'), remove('a')], asCaller),
          store.getMany([names[0] ?? get('a')], asCaller),
          store.transact(names, () => ({ output: 0, changes: ['delete'] }), asCaller),
        ]);
        const refused = { kind: 'refused', error: refusal };
        expect(await transaction).toMatchObject({ kind: 'committed' });
        expect(await behind).toEqual([refused, [refused, refused], [refused], refused]);
        expect(textOf(await submit(get('a')))).toBe('after');
      });

      testIfAble('authorization', 'a refused operation waits for no lock', async () => {
        const refusal = new StoreError('FORBIDDEN', 'not this one');
        const authorization = { refusalOfRead: () => refusal, refusalOfWrite: () => refusal };
        const asStranger = { authorization };
        const ended: string[] = [];
        const transaction = store
          .transact(names, () => ({ output: undefined, changes: [bytes('after')] }))
          .then(() => void ended.push('the holder'));
        const refused = await Promise.all([
          Promise.resolve(store.submit(put('a', 'behind'), asStranger)),
          store.submitAll([get('a'), remove('a')], asStranger),
          store.getMany(names, asStranger),
          store.transact(names, () => ({ output: 0, changes: ['delete'] }), asStranger),
        ]);
        ended.push('those refused');
        await transaction;
        expect(new Set(refused.flat().map(({ kind }) => kind))).toEqual(new Set(['refused']));
        expect(ended).toEqual(['those refused', 'the holder']);
      });

      testIfAble('order', 'operations asked behind one wait for it, in their order', async () => {
        await submit(put('a', 'before'));
        const transaction = store.transact(names, ({ entries }) => ({
          output: textOf(entries[0] ?? missing),
          changes: [bytes('after')],
        }));
        const single = Promise.resolve(store.submit(get('a')));
        const several = store.submitAll([get('a'), put('a', 'behind'), get('a')]);
        expect(await transaction).toMatchObject({ kind: 'committed', output: 'before' });
        expect(textOf(await single)).toBe('after');
        expect((await several).map(textOf)).toEqual(['after', undefined, 'behind']);
      });

      test('of many concurrent transactions none is lost, and none is seen by half', async () => {
        await store.submitAll(keys.map((key) => put(key, '0')));
        const increments = Array.from({ length: 40 }, (_, index) => {
          const mine = index % 2 === 0 ? names : names.toReversed();
          return store.transact(mine, ({ entries }) => ({
            output: undefined,
            changes: entries.map((entry) =>
              bytes(`${Number(textOf(entry ?? { kind: 'missing' })) + 1}`),
            ),
          }));
        });
        const looks = Array.from({ length: 40 }, async () => {
          const seen = (await store.getMany(names)).map(textOf);
          const page = await store.list(listOf({ includeValues: true }));
          const listed = page.items.map(({ value }) => Buffer.from(value ?? []).toString());
          expect(new Set(seen).size).toBe(1);
          expect(new Set(listed).size).toBe(1);
        });
        for (const result of await Promise.all(increments)) expect(result.kind).toBe('committed');
        await Promise.all(looks);
        expect((await store.getMany(names)).map(textOf)).toEqual(keys.map(() => '40'));
      });
    });
  });
}
