// The entry of a key, as a shard keeps it in memory. Knows no table and no file.
/**
 * One key with its value. The value is a byte string. V8 stores a small one as one compact object
 * that the garbage collector need not look into.
 */
export interface Entry {
  readonly namespace: string;
  readonly key: string;
  readonly value: string;
  readonly version: number;
  /** Unix milliseconds; undefined if the entry never expires. */
  readonly expiresAt: number | undefined;
}

/** Expiry is exact: readers see no entry from its deadline on, even before the sweep deletes it. */
export function isExpired(entry: Entry, now: number): boolean {
  return entry.expiresAt !== undefined && entry.expiresAt <= now;
}
