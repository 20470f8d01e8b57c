// Owns the operations that the router asks of one shard and the shard's answers, as both sides see
// them. Values are byte strings inside a shard and buffers outside; the frame turns one into the
// other. Knows neither threads nor framing.
import type { Bytes } from '../base/byte-string.ts';
import type { StoreError } from '../base/errors.ts';
import type { KeyRange, ListItem, ListQuery } from '../store/listing.ts';
import {
  isWrite,
  type CommandOperation,
  type EntryName,
  type Operation,
} from '../store/operation.ts';
import type { Durability, ExpiresAt, ReplyResult, Result } from '../store/result.ts';
import type { NamespaceFigures, ShardFigures } from '../store/store-status.ts';
import type { Parcel } from './parcel.ts';

/** The entry that a key has after a change. */
export interface EntryChange extends EntryName {
  /** Undefined: the key has no entry. */
  readonly put: { readonly value: Bytes; readonly expiresAt: ExpiresAt } | undefined;
}

/** The changes that a transaction makes in one shard: all of them, or none. */
export interface ShardChanges {
  /** Namespaces whose entries are all removed before the changes. */
  readonly flush?: readonly string[] | undefined;
  /** Each key once. */
  readonly changes: readonly EntryChange[];
  /**
   * Version of all entries that the transaction puts. The shard had not used this seq when the
   * transaction locked the keys.
   */
  readonly version: number;
  /**
   * Unix milliseconds. From then on an entry that was read has expired, and the shard changes
   * nothing.
   */
  readonly validUntil: number;
}

/** A transaction in one shard: the shard makes the changes at once. */
export interface ChangeOperation extends ShardChanges {
  readonly op: 'change';
  /** True: the changes are on stable storage before the answer, in every mode. */
  readonly synced?: boolean | undefined;
}

/** A transaction over several shards, as each participant knows it until it hears the outcome. */
export interface InDoubtTransaction {
  readonly transaction: string;
  /** All shards that the transaction changes, by number. */
  readonly participants: readonly number[];
}

/** The first phase of two-phase commit: makes the changes durable, but not visible. */
export interface PrepareOperation extends ShardChanges, InDoubtTransaction {
  readonly op: 'prepare';
}

/**
 * The second phase: makes prepared changes visible, or drops them. Does nothing if the shard has none.
 */
export interface OutcomeOperation {
  readonly op: 'commit' | 'abort';
  readonly transaction: string;
}

/** All participants have recorded the outcome: this participant may forget it. */
export interface ForgetOperation {
  readonly op: 'forget';
  readonly transaction: string;
}

/**
 * An operation that several shards get at one moment, in batches that leave at different times.
 * Each shard judges deadlines at that moment: later decisions rest on the entries of that moment.
 */
export interface AtMoment {
  /** The timestamp when the operation was queued, Unix milliseconds: no higher than its batch's. */
  readonly now: number;
}

/** A get of one entry, among several reads at one moment. */
export interface GetAtOperation extends EntryName, AtMoment {
  readonly op: 'getAt';
}

export interface CountOperation extends AtMoment {
  readonly op: 'count';
  readonly namespace: string;
  /** See `ListQuery`. */
  readonly within?: readonly KeyRange[] | undefined;
}

/** Asks for the figures of these namespaces in this shard; undefined: of all that have entries. */
export interface MeasureOperation {
  readonly op: 'measure';
  readonly namespaces: readonly string[] | undefined;
}

/** Removes some of the entries that have expired by `now`, and answers how many. */
export interface SweepOperation extends AtMoment {
  readonly op: 'sweep';
  /** Undefined: those of all namespaces, the ones with the earliest deadlines first. */
  readonly namespace?: string | undefined;
}

export type ShardOperation =
  | Operation
  | CommandOperation
  | ChangeOperation
  | PrepareOperation
  | OutcomeOperation
  | ForgetOperation
  | GetAtOperation
  /** This shard's part of a page. */
  | ({ readonly op: 'list'; readonly query: ListQuery } & AtMoment)
  | CountOperation
  | MeasureOperation
  | SweepOperation
  /** Leaves a mark in the journal if there are changes behind the last one. */
  | { readonly op: 'mark' };

/**
 * Seals the effects of all operations before it in the queue, for a reader of the files. A cut is a
 * task of its own between batches, and no part of one.
 */
export interface CutOperation {
  readonly op: 'cut';
}

export interface PageResult<Value> {
  readonly kind: 'page';
  readonly items: readonly ListItem<Value>[];
  /** The last key that the shard looked at, if there may be more behind it; else undefined. */
  readonly scannedTo: string | undefined;
}

export interface CountResult {
  readonly kind: 'count';
  readonly count: number;
}

export interface FiguresResult {
  readonly kind: 'figures';
  readonly figures: readonly NamespaceFigures[];
}

/** A change, a prepare, an outcome, a forget or a mark is done. */
export interface DoneResult {
  readonly kind: 'done';
}

/** An entry that the changes depend on has expired. The shard has changed nothing. */
export interface StaleResult {
  readonly kind: 'stale';
}

export interface CutResult {
  readonly kind: 'cut';
  readonly parcel: Parcel;
}

/** An answer as the router sees it. */
export type ShardResult =
  | Result
  | ReplyResult
  | PageResult<Uint8Array>
  | CountResult
  | FiguresResult
  | DoneResult
  | StaleResult
  | CutResult;

/** An answer as the shard makes it. */
export type ShardAnswer =
  | {
      readonly kind: 'entry';
      readonly version: number;
      readonly expiresAt: ExpiresAt;
      /** Bytes of the value. */
      readonly size: number;
      /** Undefined for a `head`, which needs only the size. */
      readonly value: string | undefined;
    }
  | { readonly kind: 'missing' }
  | {
      readonly kind: 'written';
      readonly version: number;
      /** 0 if there was no entry. */
      readonly previousVersion: number;
    }
  | { readonly kind: 'deleted'; readonly previousVersion: number }
  | { readonly kind: 'condition-failed'; readonly version: number }
  | { readonly kind: 'refused'; readonly error: StoreError }
  | ReplyResult
  | PageResult<string>
  | CountResult
  | FiguresResult
  | DoneResult
  | StaleResult;

/** The state of a shard, sent with every reply. */
export interface ShardReport extends ShardFigures {
  /** The durability of the writes of this batch. */
  readonly durability: Durability;
  readonly nextSeq: number;
  readonly liveJournals: number;
  /** The first expiry of any entry, Unix milliseconds; Infinity if none expires. */
  readonly nextExpiryAt: number;
  /** Duration of this batch's sync; NaN if there was none. */
  readonly syncSeconds: number;
  readonly hasUnsynced: boolean;
  readonly hasUnmarked: boolean;
  /**
   * A sync has failed and the journal cannot be trusted, or there is no room to record an outcome.
   * The shard serves nothing until its journal is mended.
   */
  readonly isBroken: boolean;
  /** True on a full disk if a compaction would free room. */
  readonly wantsCompaction: boolean;
  /** Those of the namespaces that have changed since the last report, and perhaps of others. */
  readonly namespaces: readonly NamespaceFigures[];
}

export interface BatchRequest {
  /** The one time of the whole batch, Unix milliseconds. */
  readonly timestamp: number;
  readonly operations: readonly ShardOperation[];
}

export interface BatchReply<Answer> {
  readonly report: ShardReport;
  /**
   * In order. Fewer than the operations if the others would not fit: the shard has not run the
   * rest.
   */
  readonly results: readonly Answer[];
}

/** True for the second phase of two-phase commit. */
export function isOutcome(operation: ShardOperation | CutOperation): operation is OutcomeOperation {
  return operation.op === 'commit' || operation.op === 'abort';
}

/** True for reads of entries by key, which change nothing. */
export function isEntryRead(operation: ShardOperation | CutOperation): boolean {
  return 'key' in operation && (operation.op === 'getAt' || !isWrite(operation));
}

/** True for a caller's changes of entries. The caller has to hear the outcome. */
export function isEntryWrite(operation: ShardOperation | CutOperation): boolean {
  if (operation.op === 'change' || operation.op === 'prepare') return true;
  return 'key' in operation && operation.op !== 'getAt' && isWrite(operation);
}
