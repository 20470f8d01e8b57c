import { describe, expect, test } from 'vitest';
import type { Entry } from '../../src/shard/entry.ts';
import { EntryTable } from '../../src/shard/entry-table.ts';

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
