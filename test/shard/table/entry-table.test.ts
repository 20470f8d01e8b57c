import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
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

/** Strings of their own, as they come out of frames and files. */
function copyOf(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What V8 says that the table takes, in bytes. */
function measure(fill: (table: EntryTable) => void): { table: EntryTable; takes: number } {
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const table = new EntryTable();
  fill(table);
  collectGarbage();
  return { table, takes: process.memoryUsage().heapUsed - before };
}

describe('what a table says it takes of the heap is no less than what it takes, and not twice as much', () => {
  const count = 33_000;
  const numbers = Array.from({ length: count }, (_, number) => number);
  const cases: Record<string, (number: number) => Partial<Entry>> = {
    'short keys and values': (n) => ({ key: `k${n}`, value: 'v' }),
    'keys in descending order': (n) => ({ key: `k${String(count - n).padStart(8, '0')}` }),
    'keys in no order': () => ({ key: `k${Math.random()}`, value: 'v'.repeat(100) }),
    'long keys, each put twice': (n) => ({ key: `k${n >> 1}`.padEnd(1000, 'x'), value: 'v' }),
    'a deadline each, and versions that are large numbers': (n) => ({
      key: `k${n}`,
      expiresAt: 1.7e12 + n,
      version: 2 ** 40 + n,
    }),
    'a namespace each': (n) => ({ key: 'k', namespace: `namespace-${n}` }),
    'a namespace of a long name': (n) => ({ key: `k${n}`, namespace: 'n'.repeat(200) }),
  };
  test.each(Object.entries(cases))('%s', (_, entryOf) => {
    const { table, takes } = measure((measured) => {
      for (const number of numbers) {
        const { namespace = 'default', key = '', value = 'value', ...rest } = entryOf(number);
        const strings = { namespace: copyOf(namespace), key: copyOf(key), value: copyOf(value) };
        measured.set({ version: 1, expiresAt: undefined, ...strings, ...rest, ...strings });
      }
    });
    expect(table.heapBytes).toBeGreaterThan(takes);
    expect(table.heapBytes).toBeLessThan(takes * 2);
  });

  test('and comes back to nothing when all is gone, one by one or by a flush', () => {
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
