// Open ranges of (namespace, key): between two entries that are known lies what is not.
import { compareEntries, type EntryPosition } from '../shard/entry-stream.ts';

/** Neither end belongs to it; null where it is open. */
export interface KeyRange {
  readonly after: EntryPosition | null;
  readonly before: EntryPosition | null;
}

export const allKeys: KeyRange = { after: null, before: null };

export function isInRange(entry: EntryPosition, { after, before }: KeyRange): boolean {
  if (after !== null && compareEntries(entry, after) <= 0) return false;
  return before === null || compareEntries(entry, before) < 0;
}
