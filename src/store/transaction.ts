// What a transaction reads and changes: a plain function over one moment. The engine sees to it that it
// is one moment, and all or nothing.
import type { Durability, EntryResult, ExpiresAt, RefusedResult } from './result.ts';

/** What a transaction reads. No other change of these entries comes before its own. */
export interface TransactionMoment {
  /** The entry of each name, in their order, with its value. */
  readonly entries: readonly (EntryResult | undefined)[];
  /** The version that each will have if it is put. */
  readonly versions: readonly number[];
  /** Unix milliseconds: what lives for some time lives from then on. */
  readonly now: number;
}

export interface EntryPut {
  /** Must not be changed after it was handed over. */
  readonly value: Uint8Array;
  readonly expiresAt: ExpiresAt;
}

export interface PlannedChanges<Outcome> {
  /** What the caller gets once the changes are made. */
  readonly outcome: Outcome;
  /** The i-th is for the i-th name; undefined, or none: the entry stays as it is. */
  readonly changes: readonly (EntryPut | 'delete' | undefined)[];
  /** Namespaces of which all entries go before the changes; only of a transaction that is alone. */
  readonly flush?: readonly string[];
}

/**
 * Computes the changes from the entries. It must depend on the moment alone: it is called again if an
 * entry that was read expires before the changes are made. An error that it throws ends the
 * transaction with nothing changed.
 */
export type TransactionPlan<Outcome> = (moment: TransactionMoment) => PlannedChanges<Outcome>;

export interface CommittedResult<Outcome> {
  readonly kind: 'committed';
  readonly outcome: Outcome;
  /** What its changes have reached; undefined if it made none. */
  readonly durability: Durability | undefined;
}

export type TransactionResult<Outcome> = CommittedResult<Outcome> | RefusedResult;
