// A transaction as its caller sees it: a plain function over one moment. The engine provides the
// moment, and makes all changes or none.
import type { Durability, EntryResult, ExpiresAt, RefusedResult } from './result.ts';

/**
 * The entries that a transaction reads. No other change of these entries comes before that of the
 * transaction.
 */
export interface TransactionMoment {
  /** The entry of each name, in the order of the names, with its value. */
  readonly entries: readonly (EntryResult | undefined)[];
  /** The version that each entry will have if it is put. */
  readonly versions: readonly number[];
  /** Unix milliseconds: a time to live begins here. */
  readonly now: number;
}

export interface EntryPut {
  /** The caller must not change the bytes after handing them over. */
  readonly value: Uint8Array;
  readonly expiresAt: ExpiresAt;
}

export interface PlannedChanges<Output> {
  /** Returned to the caller once the changes are made. */
  readonly output: Output;
  /** The i-th change is for the i-th name. Undefined, or absent: the entry stays as it is. */
  readonly changes: readonly (EntryPut | 'delete' | undefined)[];
  /**
   * Namespaces whose entries are all removed before the changes; only for a transaction that is
   * alone in them.
   */
  readonly flush?: readonly string[];
}

/**
 * Computes the changes from the moment alone. The engine calls the plan again if an entry that was
 * read expires before the changes are made. An error of the plan ends the transaction with nothing
 * changed.
 */
export type TransactionPlan<Output> = (moment: TransactionMoment) => PlannedChanges<Output>;

export interface CommittedResult<Output> {
  readonly kind: 'committed';
  readonly output: Output;
  /** The durability of the changes; undefined if there are none. */
  readonly durability: Durability | undefined;
}

export type TransactionResult<Output> = CommittedResult<Output> | RefusedResult;
