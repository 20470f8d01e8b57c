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
import { isExpired, type Entry } from './entry.ts';
import type { EntryTable } from './entry-table.ts';

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

function* entriesInOrder(table: EntryTable, query: ListQuery): Generator<Entry, void, void> {
  const { namespace, after, reverse } = query;
  const ranges = rangesOf(query);
  for (const { low, high } of reverse ? ranges.toReversed() : ranges) {
    if (reverse) yield* descending(table, namespace, low, high);
    else yield* ascending(table, namespace, low, high, after);
  }
}

function* descending(table: EntryTable, namespace: string, low: string, high: string) {
  for (const entry of table.descending(namespace, high)) {
    if (entry.key < low) return;
    yield entry;
  }
}

function* ascending(
  table: EntryTable,
  namespace: string,
  low: string,
  high: string,
  after: string | undefined,
) {
  for (const entry of table.ascending(namespace, low)) {
    if (entry.key >= high) return;
    if (entry.key !== after) yield entry;
  }
}

function itemOf(entry: Entry, includeValues: boolean): ListItem<string> {
  const { key, version, expiresAt, value } = entry;
  return { key, version, expiresAt, size: value.length, value: includeValues ? value : undefined };
}

/** @param now the page's timestamp, Unix milliseconds: the page leaves out entries expired by then */
export function listPage(table: EntryTable, query: ListQuery, now: number): PageResult<string> {
  const items: ListItem<string>[] = [];
  let bytes = 0;
  let scanned = 0;
  let last: string | undefined;
  for (const entry of entriesInOrder(table, query)) {
    if (items.length === query.limit || bytes >= pageBytesMax || scanned === pageScanMax) {
      return { kind: 'page', items, scannedTo: last };
    }
    scanned += 1;
    last = entry.key;
    if (isExpired(entry, now)) continue;
    const item = itemOf(entry, query.includeValues);
    items.push(item);
    bytes += item.key.length + (item.value?.length ?? 0);
  }
  return { kind: 'page', items, scannedTo: undefined };
}
