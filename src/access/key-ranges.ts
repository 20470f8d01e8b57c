// The keys of a namespace that a caller may use: all of them, or some ranges. Knows no role.
import { rangeOfPrefix, type KeyRange } from '../store/listing.ts';

/** Ranges are disjoint and ascending. No ranges: no keys. */
export type GrantedKeys = 'all' | readonly KeyRange[];

/**
 * The keys that begin with one of the prefixes. Two ranges of prefixes are disjoint, or one is in the
 * other.
 */
export function keysWithPrefixes(prefixes: Iterable<string>): readonly KeyRange[] {
  const ranges: KeyRange[] = [];
  let last: string | undefined;
  for (const prefix of [...prefixes].toSorted((a, b) => (a < b ? -1 : 1))) {
    if (last !== undefined && prefix.startsWith(last)) continue;
    last = prefix;
    ranges.push(rangeOfPrefix(prefix));
  }
  return ranges;
}

export function includesKey(granted: GrantedKeys, key: string): boolean {
  if (granted === 'all') return true;
  let low = 0;
  let high = granted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const range = granted[middle];
    if (range !== undefined && range.high <= key) low = middle + 1;
    else high = middle;
  }
  const range = granted[low];
  return range !== undefined && range.low <= key;
}
