// What the router asks of one shard and what it answers, as both sides see it. Entries' values are
// byte strings inside a shard and buffers outside; the frame is where the one becomes the other.
import type { StoreError } from '../base/errors.ts';
import type { ListQuery } from '../store/listing.ts';
import {
  isWrite,
  type CommandOperation,
  type EntryName,
  type Operation,
} from '../store/operation.ts';
import type { Durability, ExpiresAt, ReplyResult, Result } from '../store/result.ts';
import type { Parcel } from './parcel.ts';

/** What is to stand under a key. */
export interface EntryChange extends EntryName {
  /** Undefined: nothing. */
  readonly put: { readonly value: Uint8Array; readonly expiresAt: ExpiresAt } | undefined;
}

/** The changes that a transaction makes in one shard: all of them, or none. */
export interface ShardChanges {
  /** Namespaces of which all entries go before the changes. */
  readonly flush?: readonly string[] | undefined;
  /** Each key once. */
  readonly changes: readonly EntryChange[];
  /** Of all entries that it puts: a seq that the shard had yet to give when the keys were locked. */
  readonly version: number;
  /** Unix milliseconds. From then on an entry that was read has expired, and nothing is changed. */
  readonly validUntil: number;
}

/** A transaction in one shard: its changes are made at once. */
export interface ChangeOperation extends ShardChanges {
  readonly op: 'change';
}

/** A transaction over several shards, as each of them knows it until it hears the outcome. */
export interface InDoubtTransaction {
  readonly transaction: string;
  /** All shards that it changes, by number. */
  readonly participants: readonly number[];
}

/** The first phase of two-phase commit: makes the changes durable, and nothing visible. */
export interface PrepareOperation extends ShardChanges, InDoubtTransaction {
  readonly op: 'prepare';
}

/** The second phase: makes prepared changes visible, or drops them. Does nothing if there are none. */
export interface OutcomeOperation {
  readonly op: 'commit' | 'abort';
  readonly transaction: string;
}

/** All participants have recorded the outcome: this one may forget it. */
export interface ForgetOperation {
  readonly op: 'forget';
  readonly transaction: string;
}

/**
 * Of what several shards are asked at one moment, deadlines are judged at that moment, too: their
 * batches leave at different times, and what has been decided since was decided on what stood then.
 */
export interface AtMoment {
  /** The stamp when it was queued, Unix milliseconds: no higher than its batch's. */
  readonly now: number;
}

/** A get of one among several entries that are read at one moment. */
export interface GetAtOperation extends EntryName, AtMoment {
  readonly op: 'getAt';
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
  | ({ readonly op: 'count'; readonly namespace: string } & AtMoment)
  /** Removes some of the entries that have expired by then. */
  | ({ readonly op: 'sweep' } & AtMoment)
  /** Leaves a mark in the journal where there are changes behind the last one. */
  | { readonly op: 'mark' };

/**
 * Seals all that came before it in the queue, for whoever wants to read it. A task of its own
 * between batches, and no part of one.
 */
export interface CutOperation {
  readonly op: 'cut';
}

export interface PageItem<Value> {
  readonly key: string;
  readonly version: number;
  readonly expiresAt: ExpiresAt;
  readonly size: number;
  readonly value: Value | undefined;
}

export interface PageResult<Value> {
  readonly kind: 'page';
  readonly items: readonly PageItem<Value>[];
  /** The last key that was looked at where there may be more behind it; else undefined. */
  readonly scannedTo: string | undefined;
}

export interface CountResult {
  readonly kind: 'count';
  readonly count: number;
}

/** A change, a prepare, an outcome, a sweep or a mark is done. */
export interface DoneResult {
  readonly kind: 'done';
}

/** An entry that the changes depend on has expired; nothing was changed. */
export interface StaleResult {
  readonly kind: 'stale';
}

export interface CutResult {
  readonly kind: 'cut';
  readonly parcel: Parcel;
}

/** As the router sees it. */
export type ShardResult =
  | Result
  | ReplyResult
  | PageResult<Uint8Array>
  | CountResult
  | DoneResult
  | StaleResult
  | CutResult;

/** As the shard makes it. */
export type ShardAnswer =
  | {
      readonly kind: 'entry';
      readonly version: number;
      readonly expiresAt: ExpiresAt;
      readonly value: string;
      /** False for a `head`, which wants the size alone. */
      readonly withValue: boolean;
    }
  | { readonly kind: 'missing' }
  | { readonly kind: 'written'; readonly created: boolean; readonly version: number }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'condition-failed'; readonly version: number }
  | { readonly kind: 'refused'; readonly error: StoreError }
  | ReplyResult
  | PageResult<string>
  | CountResult
  | DoneResult
  | StaleResult;

/** How a shard is, sent along with every reply. */
export interface ShardReport {
  /** What the writes of this batch have reached. */
  readonly durability: Durability;
  readonly nextSeq: number;
  readonly entries: number;
  /** Keys and values, summed. */
  readonly bytes: number;
  /** What it keeps in memory, at most, and what it may keep: past that puts are refused. */
  readonly heapBytes: number;
  readonly heapBytesMax: number;
  /** All live journals, summed. */
  readonly journalBytes: number;
  readonly liveJournals: number;
  readonly snapshotBytes: number;
  /** When the first entry expires, Unix milliseconds; Infinity where none does. */
  readonly nextExpiryAt: number;
  /** How long this batch's sync took; NaN where there was none. */
  readonly syncSeconds: number;
  readonly hasUnsynced: boolean;
  readonly hasUnmarked: boolean;
  /**
   * A sync has failed and the journal cannot be trusted, or there is no room to record an outcome: the
   * shard serves nothing until it is mended.
   */
  readonly isBroken: boolean;
  /** The last put found no room on disk. */
  readonly isDiskFull: boolean;
  /** On a full disk: a compaction would free room. */
  readonly wantsCompaction: boolean;
}

export interface BatchRequest {
  /** The batch's one time, Unix milliseconds. */
  readonly stamp: number;
  readonly operations: readonly ShardOperation[];
}

export interface BatchReply<Answer> {
  readonly report: ShardReport;
  /** In order. Fewer than the operations where they would not fit: the rest has not been run. */
  readonly results: readonly Answer[];
}

/** The second phase of two-phase commit. */
export function isOutcome(operation: ShardOperation | CutOperation): operation is OutcomeOperation {
  return operation.op === 'commit' || operation.op === 'abort';
}

/** Of entries by their keys, changing nothing; pages, counts and cuts are something else. */
export function isEntryRead(operation: ShardOperation | CutOperation): boolean {
  return 'key' in operation && (operation.op === 'getAt' || !isWrite(operation));
}

/** Changes entries for a caller, who has to hear what became of it. */
export function isEntryWrite(operation: ShardOperation | CutOperation): boolean {
  if (operation.op === 'change' || operation.op === 'prepare') return true;
  return 'key' in operation && operation.op !== 'getAt' && isWrite(operation);
}
