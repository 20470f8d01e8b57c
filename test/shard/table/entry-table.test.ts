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
