// The entry of a key, as a shard sees it in memory. Knows no table and no file.
import type { EntryName } from '../../store/operation.ts';

/** An entry without its key and its value. */
export interface EntryHead {
  readonly version: number;
  /** Unix milliseconds; undefined if the entry never expires. */
  readonly expiresAt: number | undefined;
  /** Bytes of the value. */
  readonly size: number;
}

/** One key with its value, a byte string (src/base/byte-string.ts). */
export interface Entry extends EntryName {
  readonly value: string;
  readonly version: number;
  readonly expiresAt: number | undefined;
}

/** Expiry is exact: readers see no entry from its deadline on, even before the sweep deletes it. */
export function isExpired({ expiresAt }: Pick<EntryHead, 'expiresAt'>, now: number): boolean {
  return expiresAt !== undefined && expiresAt <= now;
}
