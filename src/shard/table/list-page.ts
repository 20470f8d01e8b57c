// One shard's part of a listing page, bounded in items, bytes and entries scanned. Reads the table
// only. Knows no staging and no other shard.
import { pageBytesMax, pageScanMax } from '../../base/limits.ts';
import type { PageResult } from '../../protocol/shard-operation.ts';
import type { ListItem, ListQuery } from '../../store/listing.ts';
import { isExpired, type Entry } from './entry.ts';
import type { EntryTable } from './entry-table.ts';

/** Prefix plus this is above every key with the prefix: no byte of UTF-8 is 0xff. */
const aboveAll = '\u{ff}';

interface Interval {
  /** Inclusive. */
  readonly low: string;
  /** Exclusive. */
  readonly high: string;
}

function intervalOf({ prefix, start, end }: ListQuery): Interval {
  const low = start !== undefined && start > prefix ? start : prefix;
  const top = prefix + aboveAll;
  return { low, high: end !== undefined && end < top ? end : top };
}

function* entriesInOrder(table: EntryTable, query: ListQuery): Generator<Entry, void, void> {
  const { low, high } = intervalOf(query);
  const { namespace, after, reverse } = query;
  if (reverse) {
    const below = after !== undefined && after < high ? after : high;
    for (const entry of table.descending(namespace, below)) {
      if (entry.key < low) return;
      yield entry;
    }
    return;
  }
  const from = after !== undefined && after > low ? after : low;
  for (const entry of table.ascending(namespace, from)) {
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
