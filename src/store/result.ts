// Owns the answers of a store: one result an operation, in the order of the operations.
import type { Reply } from '../commands/reply.ts';
import type { StoreError } from '../base/errors.ts';
import type { FsyncMode } from '../base/fsync-mode.ts';

/** `synced`: on stable storage. `written`: handed to the operating system. */
export type Durability = 'synced' | 'written';

/** The durability of a write in one shard when the store answers it. */
export function durabilityOf(fsync: FsyncMode): Durability {
  return fsync === 'always' ? 'synced' : 'written';
}

/** Unix milliseconds, or undefined if the entry does not expire. */
export type ExpiresAt = number | undefined;

export interface EntryResult {
  readonly kind: 'entry';
  readonly version: number;
  readonly expiresAt: ExpiresAt;
  /** Length of the value in bytes. */
  readonly size: number;
  /** The value, which the receiver must not change; undefined for a `head`. */
  readonly value: Uint8Array | undefined;
}

export interface MissingResult {
  readonly kind: 'missing';
}

export interface WrittenResult {
  readonly kind: 'written';
  /** True if there was no entry before. */
  readonly created: boolean;
  readonly version: number;
  /** The version of the entry before, or 0 if there was none. A store behind a network has none to tell. */
  readonly previousVersion?: number;
  readonly durability: Durability;
}

export interface DeletedResult {
  readonly kind: 'deleted';
  /** The version that was deleted. A store behind a network has none to tell. */
  readonly previousVersion?: number;
  readonly durability: Durability;
}

export interface ConditionFailedResult {
  readonly kind: 'condition-failed';
  /** The present version, or 0 if there is no entry. */
  readonly version: number;
}

/** A command's reply, which may be an error of the command. */
export interface ReplyResult {
  readonly kind: 'reply';
  readonly reply: Reply;
  /** False if the command found nothing to change. Absent if it only reads, or if that is not known. */
  readonly hasChanged?: boolean;
}

/** The operation was not carried out, or its outcome is unknown; see `error.outcome`. */
export interface RefusedResult {
  readonly kind: 'refused';
  readonly error: StoreError;
}

/** An entry as a read has found it. */
export type Sight = EntryResult | MissingResult | RefusedResult;

export type Result =
  | EntryResult
  | MissingResult
  | WrittenResult
  | DeletedResult
  | ConditionFailedResult
  | RefusedResult;
