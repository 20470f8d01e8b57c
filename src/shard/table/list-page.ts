// One shard's part of a listing page, bounded in items, bytes and entries scanned. Reads the table
// only. Knows no staging and no other shard.
import { pageBytesMax, pageScanMax } from '../../base/limits.ts';
import type { PageResult } from '../../protocol/shard-operation.ts';
import {
  rangeOfPrefix,
  type KeyRange,
  type ListItem,
  type ListQuery,
} from '../../store/listing.ts';
import type { EntryNumber } from '../../memory/entry-pieces.ts';
import type { EntryTable } from './entry-table.ts';
import { isExpired } from './entry.ts';

/** Everything that the query bounds but `within` and `after`. */
function rangeOf({ prefix, start, end }: ListQuery): KeyRange {
  const { low, high } = rangeOfPrefix(prefix);
  return {
    low: start !== undefined && start > low ? start : low,
    high: end !== undefined && end < high ? end : high,
  };
}

function intersection(one: KeyRange, other: KeyRange): KeyRange {
  return {
    low: one.low > other.low ? one.low : other.low,
    high: one.high < other.high ? one.high : other.high,
  };
}

/** The ranges that the page has to look at, ascending: none is empty, or ends before `after`. */
function rangesOf(query: ListQuery): KeyRange[] {
  const { after, reverse, within } = query;
  const whole = rangeOf(query);
  const asked = within?.map((range) => intersection(range, whole)) ?? [whole];
  return asked
    .map(({ low, high }) => {
      if (after === undefined) return { low, high };
      if (reverse) return { low, high: after < high ? after : high };
      return { low: after > low ? after : low, high };
    })
    .filter(({ low, high }) => low < high);
}

function* entriesInOrder(table: EntryTable, query: ListQuery): Generator<EntryNumber, void, void> {
  const { namespace, after, reverse } = query;
  const ranges = rangesOf(query);
  for (const { low, high } of reverse ? ranges.toReversed() : ranges) {
    if (reverse) yield* descending(table, namespace, low, high);
    else yield* ascending(table, namespace, low, high, after);
  }
}

function* descending(table: EntryTable, namespace: string, low: string, high: string) {
  for (const number of table.descending(namespace, high)) {
    if (table.compareKey(number, low) < 0) return;
    yield number;
  }
}

function* ascending(
  table: EntryTable,
  namespace: string,
  low: string,
  high: string,
  after: string | undefined,
) {
  for (const number of table.ascending(namespace, low)) {
    if (table.compareKey(number, high) >= 0) return;
    if (after === undefined || table.compareKey(number, after) !== 0) yield number;
  }
}

/** @param now the page's timestamp, Unix milliseconds: the page leaves out entries expired by then */
export function listPage(table: EntryTable, query: ListQuery, now: number): PageResult<string> {
  const items: ListItem<string>[] = [];
  let bytes = 0;
  let scanned = 0;
  let last: EntryNumber | undefined;
  for (const number of entriesInOrder(table, query)) {
    if (items.length === query.limit || bytes >= pageBytesMax || scanned === pageScanMax) {
      return { kind: 'page', items, scannedTo: last === undefined ? last : table.keyOf(last) };
    }
    scanned += 1;
    last = number;
    const head = table.headOf(number);
    if (isExpired(head, now)) continue;
    const key = table.keyOf(number);
    const value = query.includeValues ? table.valueOf(number) : undefined;
    items.push({ key, ...head, value });
    bytes += key.length + (value?.length ?? 0);
  }
  return { kind: 'page', items, scannedTo: undefined };
}
