// Merges the shards' parts of a listing page into one page, in key order. Knows no shard.
import type { PageResult } from '../protocol/shard-operation.ts';
import { pageBytesMax } from '../base/limits.ts';
import type { ListItem, ListPage, ListQuery } from '../store/listing.ts';

type ShardPage = PageResult<Uint8Array>;

/** True if `a` comes before `b` in the direction of the walk. */
type Before = (a: string, b: string) => boolean;

/**
 * The key up to which all shards have looked. Behind this key, a shard that stopped early may have
 * keys that belong before another shard's keys.
 */
function horizonOf(parts: readonly ShardPage[], before: Before): string | undefined {
  let horizon: string | undefined;
  for (const { scannedTo } of parts) {
    if (scannedTo === undefined) continue;
    if (horizon === undefined || before(scannedTo, horizon)) horizon = scannedTo;
  }
  return horizon;
}

export function mergePages(parts: readonly ShardPage[], query: ListQuery): ListPage {
  const before: Before = query.reverse ? (a, b) => a > b : (a, b) => a < b;
  const horizon = horizonOf(parts, before);
  const reached = parts
    .flatMap(({ items }) => items)
    .filter(({ key }) => horizon === undefined || !before(horizon, key))
    .toSorted((a, b) => (before(a.key, b.key) ? -1 : 1));
  const items = withinBounds(reached, query.limit);
  if (items.length < reached.length) return { items, next: items.at(-1)?.key };
  return { items, next: horizon };
}

function withinBounds(items: readonly ListItem[], limit: number): readonly ListItem[] {
  let bytes = 0;
  let count = 0;
  for (const { key, value } of items) {
    if (count === limit || bytes >= pageBytesMax) break;
    bytes += key.length + (value?.length ?? 0);
    count += 1;
  }
  return items.slice(0, count);
}
