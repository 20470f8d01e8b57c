import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Entry } from '../../../src/shard/table/entry.ts';
import { EntryTable } from '../../../src/shard/table/entry-table.ts';
import { textOfName } from '../../../src/store/operation.ts';

function entry(namespace: string, key: string, expiresAt?: number): Entry {
  return { namespace, key, value: 'value', version: 1, expiresAt };
}

/** Many in one namespace, and a few in another. */
function filled(many: number, few: number): EntryTable {
  const table = new EntryTable();
  for (let n = 0; n < many; n++) {
    table.set(entry('many', `m${n}`, n % 2 === 0 ? 1000 + n : undefined));
  }
  for (let n = 0; n < few; n++) table.set(entry('few', `f${n}`, 2000 + n));
  return table;
}

describe('a flush', () => {
  test.each([
    ['many', 'few'],
    ['few', 'many'],
  ])('of %s takes its entries and their deadlines, and leaves those of %s', (gone, left) => {
    const table = filled(100, 7);
    table.flush(gone);
    const only = left === 'many' ? filled(100, 0) : filled(0, 7);
    expect(table.namespaces()).toEqual([left]);
    expect([table.entries, table.bytes]).toEqual([only.entries, only.bytes]);
    expect(table.nextExpiryAt).toBe(only.nextExpiryAt);
    expect([...table.dueBy(Infinity)]).toEqual([...only.dueBy(Infinity)]);
    expect([...table.ascending(gone, '')]).toEqual([]);
    expect(table.count(gone)).toBe(0);
  });

  test('of all there is leaves an empty table, that can be filled again', () => {
    const table = filled(50, 0);
    table.flush('many');
    table.flush('many');
    table.flush('never there');
    table.commit();
    expect([table.entries, table.bytes, table.nextExpiryAt]).toEqual([0, 0, Infinity]);
    table.set(entry('many', 'a', 5));
    expect([...table.dueBy(5)].map(({ key }) => key)).toEqual(['a']);
    table.delete('many', 'a');
    expect([table.entries, table.bytes, table.nextExpiryAt]).toEqual([0, 0, Infinity]);
  });
});

describe('deadlines', () => {
  const places = {
    namespace: fc.constantFrom('a', 'b', 'c'),
    key: fc.constantFrom('k', 'l', 'm', 'n'),
  };
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('set' as const),
        ...places,
        expiresAt: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), ...places }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('flush' as const), namespace: places.namespace }),
    },
  );

  test('are those of the entries that are there, in each namespace and over all', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const table = new EntryTable();
        const held = new Map<string, Entry>();
        for (const one of steps) {
          if (one.do === 'set') {
            const made = entry(one.namespace, one.key, one.expiresAt);
            table.set(made);
            held.set(textOfName(made), made);
          } else if (one.do === 'delete') {
            table.delete(one.namespace, one.key);
            held.delete(textOfName(one));
          } else {
            table.flush(one.namespace);
            for (const [name, { namespace }] of held) {
              if (namespace === one.namespace) held.delete(name);
            }
          }
          const mortal = [...held.values()].filter(({ expiresAt }) => expiresAt !== undefined);
          const first = Math.min(...mortal.map(({ expiresAt = Infinity }) => expiresAt));
          expect(table.nextExpiryAt).toBe(first);
          for (const until of [first - 1, first, 5, Infinity]) {
            const due = mortal.filter(({ expiresAt = Infinity }) => expiresAt <= until);
            const found = [...table.dueBy(until)].map(textOfName);
            expect(found).toHaveLength(due.length);
            expect(new Set(found)).toEqual(new Set(due.map(textOfName)));
            const deadlineOf = (name = ''): number | undefined => held.get(name)?.expiresAt;
            expect(deadlineOf(found[0])).toBe(due.length === 0 ? undefined : first);
            const ofB = [...table.dueIn('b', until)].map((key) =>
              deadlineOf(textOfName({ namespace: 'b', key })),
            );
            const dueInB = due.filter(({ namespace }) => namespace === 'b');
            const deadlines = dueInB.map(({ expiresAt = Infinity }) => expiresAt);
            expect(ofB).toEqual(deadlines.toSorted((a, b) => a - b));
          }
        }
        for (const namespace of table.namespaces()) table.flush(namespace);
        table.commit();
        expect([table.memoryBytes, table.nextExpiryAt]).toEqual([0, Infinity]);
      }),
      { numRuns: 300 },
    );
  });
});

const keyOf = (n: number): string => `k${((n % 500) + 500) % 500}`;

describe('a table', () => {
  const namespaces = ['a', 'b'];
  const step = fc.record({
    does: fc.constantFrom('set', 'set', 'set', 'delete', 'flush', 'reclaim'),
    ends: fc.constantFrom('commit', 'rollback', 'goes on'),
    namespace: fc.constantFrom(...namespaces),
    from: fc.nat({ max: 400 }),
    stride: fc.constantFrom(1, 3, -1, 97),
    times: fc.integer({ min: 1, max: 300 }),
    size: fc.constantFrom(0, 5, 100, 2000, 40_000),
  });

  test('holds what was put last and not undone, in key order, while memory is given back', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.nat({ max: 500 }), (steps, at) => {
        const table = new EntryTable();
        let held = new Map(namespaces.map((name) => [name, new Map<string, Entry>()]));
        const copyOf = (some: typeof held): typeof held =>
          new Map([...some].map(([name, entries]) => [name, new Map(entries)]));
        let committed = copyOf(held);
        let version = 0;
        for (const { does, ends, namespace, from, stride, times, size } of steps) {
          const own = held.get(namespace) ?? new Map<string, Entry>();
          if (does === 'flush') {
            table.flush(namespace);
            own.clear();
          } else if (does === 'reclaim') table.reclaim(times);
          const changes = does === 'set' || does === 'delete' ? times : 0;
          for (let n = 0; n < changes; n++) {
            const key = keyOf(from + n * stride);
            version += 1;
            const value = String.fromCharCode(version % 256).repeat(n < 3 ? size : n);
            const expiresAt = version % 4 === 0 ? version : undefined;
            const made = { ...entry(namespace, key, expiresAt), value, version };
            if (does === 'set') table.set(made);
            else table.delete(namespace, key);
            if (does === 'set') own.set(key, made);
            else own.delete(key);
          }
          if (ends === 'commit') {
            table.commit();
            committed = copyOf(held);
          } else if (ends === 'rollback') {
            table.rollback();
            held = copyOf(committed);
          }
          for (const [name, entries] of held) {
            const keys = [...entries.keys()].toSorted();
            const due = [...entries.values()].filter(({ expiresAt }) => expiresAt !== undefined);
            expect([...table.dueIn(name, Infinity)].toSorted()).toEqual(
              due.map(({ key }) => key).toSorted(),
            );
            const bytes = [...entries.values()].map(({ key, value }) => key.length + value.length);
            expect(table.figuresOf(name).bytes).toBe(bytes.reduce((a, b) => a + b, 0));
            const sought = keyOf(at);
            const above = keys.filter((key) => key >= sought);
            expect(table.count(name)).toBe(keys.length);
            expect(table.countIn(name, { low: sought, high: '~' })).toBe(above.length);
            const ascending = [...table.ascending(name, sought)].map((n) => table.keyOf(n));
            expect(ascending).toEqual(above);
            const descending = [...table.descending(name, sought)].map((n) => table.keyOf(n));
            expect(descending).toEqual(keys.slice(0, keys.length - above.length).toReversed());
          }
        }
        for (const [name, entries] of held) {
          for (let n = 0; n < 500; n++) {
            const expected = entries.get(keyOf(n));
            const found = table.get(name, keyOf(n));
            expect(found?.version).toBe(expected?.version);
            expect(found?.value === expected?.value).toBe(true);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('gives the memory of a flushed namespace back step by step', () => {
    const table = filled(5000, 1);
    const before = table.memoryBytes;
    table.flush('many');
    table.commit();
    expect(table.memoryBytes).toBe(before);
    table.reclaim(1000);
    expect([table.hasFlushed, table.memoryBytes < before]).toEqual([true, true]);
    table.reclaim(Infinity);
    expect(table.hasFlushed).toBe(false);
    // Some memory stays for later entries.
    expect(table.memoryBytes).toBeLessThan(before / 5);
    expect(table.get('few', 'f0')?.value).toBe('value');
  });
});

describe('the account that a table keeps of its memory', () => {
  test('comes back to nothing when all is gone, one by one or by a flush', () => {
    const table = filled(100, 7);
    expect(table.memoryBytes).toBeGreaterThan(table.bytes);
    table.flush('many');
    for (let n = 0; n < 7; n++) table.delete('few', `f${n}`);
    table.commit();
    expect(table.memoryBytes).toBe(0);
  });
});

describe('the largest value', () => {
  test('is known until it is deleted, replaced by a smaller one, or flushed', () => {
    const table = new EntryTable();
    const large = (namespace: string, key: string, bytes: number): void =>
      table.set({ ...entry(namespace, key), value: 'x'.repeat(bytes) });
    large('a', '1', 1_000_000);
    large('a', '2', 3_000_000);
    large('b', '1', 5_000_000);
    const expectAbout = (bytes: number): void => {
      expect(table.largestBytes).toBeGreaterThanOrEqual(bytes);
      expect(table.largestBytes).toBeLessThanOrEqual(bytes + 2 * 65_536);
    };
    expectAbout(5_000_000);
    table.delete('b', '1');
    expectAbout(3_000_000);
    large('a', '2', 10);
    expectAbout(1_000_000);
    table.flush('a');
    expectAbout(0);
  });
});
