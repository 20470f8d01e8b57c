import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Entry } from '../../../src/shard/table/entry.ts';
import { EntryTable } from '../../../src/shard/table/entry-table.ts';

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
            held.set(`${one.namespace} ${one.key}`, made);
          } else if (one.do === 'delete') {
            table.delete(one.namespace, one.key);
            held.delete(`${one.namespace} ${one.key}`);
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
            const found = [...table.dueBy(until)];
            expect(found).toHaveLength(due.length);
            expect(new Set(found)).toEqual(new Set(due));
            expect(found[0]?.expiresAt).toBe(due.length === 0 ? undefined : first);
            const ofB = [...table.dueIn('b', until)].map(({ expiresAt }) => expiresAt);
            const dueInB = due.filter(({ namespace }) => namespace === 'b');
            const deadlines = dueInB.map(({ expiresAt = Infinity }) => expiresAt);
            expect(ofB).toEqual(deadlines.toSorted((a, b) => a - b));
          }
        }
        for (const namespace of table.namespaces()) table.flush(namespace);
        expect([table.heapBytes, table.nextExpiryAt]).toEqual([0, Infinity]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the account that a table keeps of its heap', () => {
  test('comes back to nothing when all is gone, one by one or by a flush', () => {
    const table = filled(100, 7);
    expect(table.heapBytes).toBeGreaterThan(table.bytes);
    table.flush('many');
    for (let n = 0; n < 7; n++) table.delete('few', `f${n}`);
    expect(table.heapBytes).toBe(0);
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
