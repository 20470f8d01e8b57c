// What a transaction reads, decides and changes: plain functions over one moment. How it is made
// one moment, and all or nothing, is the engine's matter.
import type { Durability, EntryResult, ExpiresAt, RefusedResult } from './result.ts';

/** What a transaction finds, with everybody else kept away from its keys. */
export interface TransactionMoment {
  /** What stands under each name, in their order, with its value. */
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

export interface TransactionDecision<Outcome> {
  /** What the caller gets once the changes stand. */
  readonly outcome: Outcome;
  /** The i-th is for the i-th name; undefined, or none: it stays as it is. */
  readonly changes: readonly (EntryPut | 'delete' | undefined)[];
  /** Namespaces of which all entries go before the changes; only of a transaction that is alone. */
  readonly flush?: readonly string[];
}

/**
 * Must depend on the moment alone: where what was read has expired before the changes stand, it is
 * called again. Whatever it throws ends the transaction with nothing changed.
 */
export type Decide<Outcome> = (moment: TransactionMoment) => TransactionDecision<Outcome>;

export interface CommittedResult<Outcome> {
  readonly kind: 'committed';
  readonly outcome: Outcome;
  /** What its changes have reached; undefined where it made none. */
  readonly durability: Durability | undefined;
}

export type TransactionResult<Outcome> = CommittedResult<Outcome> | RefusedResult;
