// One page of a listing: the query and the answer.
import type { ExpiresAt } from './result.ts';

/** Keys from `low` (inclusive) to `high` (exclusive). Byte strings. */
export interface KeyRange {
  readonly low: string;
  readonly high: string;
}

/** A prefix plus this is above every key with the prefix: no byte of UTF-8 is 0xff. */
const aboveAll = '\u{ff}';

/** The range of all keys that begin with the prefix. */
export function rangeOfPrefix(prefix: string): KeyRange {
  return { low: prefix, high: prefix + aboveAll };
}

/** All keys are byte strings; order is by bytes. */
export interface ListQuery {
  readonly namespace: string;
  /** Only keys that begin with this prefix, which may be empty. */
  readonly prefix: string;
  /** Inclusive lower end, or undefined. */
  readonly start: string | undefined;
  /** Exclusive upper end, or undefined. */
  readonly end: string | undefined;
  /**
   * Only keys in one of these ranges, which are disjoint and ascending. No ranges: no keys.
   * Undefined: all keys.
   */
  readonly within?: readonly KeyRange[] | undefined;
  /** Continue behind this key (in the direction of the walk), or undefined for the first page. */
  readonly after: string | undefined;
  readonly limit: number;
  /** True: the same interval from its other end. */
  readonly reverse: boolean;
  readonly includeValues: boolean;
}

/** A value is a byte string inside a shard, and a buffer elsewhere. */
export interface ListItem<Value = Uint8Array> {
  readonly key: string;
  readonly version: number;
  readonly expiresAt: ExpiresAt;
  readonly size: number;
  /** Present only if the query includes values. */
  readonly value: Value | undefined;
}

export interface ListPage {
  readonly items: readonly ListItem[];
  /** Ask for the next page with `after` set to this; undefined on the last page. */
  readonly next: string | undefined;
}
