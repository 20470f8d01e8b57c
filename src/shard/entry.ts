/**
 * What a shard keeps of one key. The value is a byte string: for the small values most stores hold,
 * one compact heap object that collectors need not look into.
 */
export interface Entry {
  readonly namespace: string;
  readonly key: string;
  readonly value: string;
  readonly version: number;
  /** Unix milliseconds; undefined where it stays. */
  readonly expiresAt: number | undefined;
}

/** Expiry is exact: an entry is gone from its deadline on, whether swept or not. */
export function isExpired(entry: Entry, now: number): boolean {
  return entry.expiresAt !== undefined && entry.expiresAt <= now;
}
