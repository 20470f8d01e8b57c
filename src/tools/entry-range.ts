// Open ranges of (namespace, key): the keys between two known entries. Knows no file.
import { compareEntries, type EntryPosition } from '../shard/streams/entry-stream.ts';

/** A range without its two ends. A null end means that the range has no limit there. */
export interface EntryRange {
  readonly after: EntryPosition | null;
  readonly before: EntryPosition | null;
}

export const allEntries: EntryRange = { after: null, before: null };

export function isInRange(entry: EntryPosition, { after, before }: EntryRange): boolean {
  if (after !== null && compareEntries(entry, after) <= 0) return false;
  return before === null || compareEntries(entry, before) < 0;
}
