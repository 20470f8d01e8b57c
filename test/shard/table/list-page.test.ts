import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KeyRange, ListQuery } from '../../../src/store/listing.ts';
import { EntryTable } from '../../../src/shard/table/entry-table.ts';
import { listPage } from '../../../src/shard/table/list-page.ts';
import { listOf, namespace } from '../../support/stores/operations.ts';

const letters = fc.string({ unit: fc.constantFrom('a', 'b', '\u{e9}'), maxLength: 4 });
const bound = fc.option(letters, { nil: undefined });

/** Disjoint and ascending; some of them empty. */
const ranges = fc.array(letters, { maxLength: 8 }).map((bounds): KeyRange[] => {
  const sorted = bounds.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return Array.from({ length: sorted.length >> 1 }, (_, index) => ({
    low: sorted[2 * index] ?? '',
    high: sorted[2 * index + 1] ?? '',
  }));
});

const query = fc.record({
  prefix: fc.oneof(fc.constant(''), letters),
  start: bound,
  end: bound,
  after: bound,
  within: fc.option(ranges, { nil: undefined }),
  limit: fc.integer({ min: 1, max: 5 }),
  reverse: fc.boolean(),
});

function isAskedFor(key: string, asked: ListQuery): boolean {
  const { prefix, start = '', end = '\u{ff}', after, reverse, within } = asked;
  const isBehind = after === undefined || (reverse ? key < after : key > after);
  const isWithin = within?.some(({ low, high }) => key >= low && key < high) ?? true;
  return key.startsWith(prefix) && key >= start && key < end && isBehind && isWithin;
}

test('a page has the next keys that all bounds of its query allow, in order', () => {
  fc.assert(
    fc.property(fc.uniqueArray(letters, { maxLength: 40 }), query, (keys, bounds) => {
      const table = new EntryTable();
      for (const key of keys)
        table.set({ namespace, key, value: '', version: 1, expiresAt: undefined });
      table.set({ namespace: 'other', key: 'a', value: '', version: 1, expiresAt: undefined });
      const asked = listOf(bounds);
      const inOrder = keys.toSorted((a, b) => (a < b === asked.reverse ? 1 : -1));
      const expected = inOrder.filter((key) => isAskedFor(key, asked));
      const { items, scannedTo } = listPage(table, asked, 0);
      expect(items.map(({ key }) => key)).toEqual(expected.slice(0, asked.limit));
      const isLast = expected.length <= asked.limit;
      expect(scannedTo).toBe(isLast ? undefined : expected[asked.limit - 1]);
    }),
    { numRuns: 2000 },
  );
});

test('a count of a range is the number of its keys', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(letters, { maxLength: 200 }),
      letters,
      letters,
      (keys, low, high) => {
        const table = new EntryTable();
        for (const key of keys)
          table.set({ namespace, key, value: '', version: 1, expiresAt: undefined });
        const inRange = keys.filter((key) => key >= low && key < high);
        expect(table.countIn(namespace, { low, high })).toBe(inRange.length);
        expect(table.countIn('other', { low, high })).toBe(0);
      },
    ),
  );
});
