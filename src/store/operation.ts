// Owns the operations that a front end can ask of a store. Plain data, because operations cross
// threads.

import type { Bytes } from '../base/byte-string.ts';

/** `*` is any existing entry; a list is any of these versions. */
export type VersionMatch = '*' | readonly number[];

/** Conditions of RFC 9110 section 13, on versions. Both must hold. */
export interface Conditions {
  ifMatch?: VersionMatch | undefined;
  ifNoneMatch?: VersionMatch | undefined;
}

/**
 * Names one entry. `key` is a byte string (src/base/byte-string.ts); a namespace is printable
 * ASCII.
 */
export interface EntryName {
  readonly namespace: string;
  readonly key: string;
}

/** The name as one string. NUL separates the two, because no namespace contains one. */
export function textOfName({ namespace, key }: EntryName): string {
  return `${namespace}\0${key}`;
}

export interface GetOperation extends EntryName {
  readonly op: 'get';
}

/** Like `get`, without the value. */
export interface HeadOperation extends EntryName {
  readonly op: 'head';
}

export type ReadOperation = GetOperation | HeadOperation;

export interface PutOperation extends EntryName, Conditions {
  readonly op: 'put';
  readonly value: Bytes;
  /**
   * Milliseconds to live from the timestamp of the batch, at least 1. Undefined: the entry does not
   * expire.
   */
  readonly ttlMs?: number | undefined;
}

export interface DeleteOperation extends EntryName, Conditions {
  readonly op: 'delete';
}

/**
 * A command of src/commands on keys of one shard; see `CommandStore.areOnOneShard`. `key` is the
 * first of the keys.
 */
export interface CommandOperation extends EntryName {
  readonly op: 'command';
  /** The name in the command table. */
  readonly name: string;
  readonly access: 'read' | 'write';
  /** The arguments behind the name, and the keys among them. Byte strings. */
  readonly args: readonly string[];
  readonly keys: readonly string[];
  /** Those of the keys that a command with access `write` only reads. */
  readonly keysOnlyRead?: readonly string[];
  /** The largest value that is allowed, in bytes. */
  readonly valueBytesMax: number;
}

export type Operation = ReadOperation | PutOperation | DeleteOperation;

export function isWrite(operation: Operation | CommandOperation): boolean {
  const { op } = operation;
  return op === 'put' || op === 'delete' || (op === 'command' && operation.access === 'write');
}

/** All entries that an operation reads or writes. */
export function namesOf(operation: Operation | CommandOperation): readonly EntryName[] {
  if (operation.op !== 'command') return [operation];
  const { namespace, keys } = operation;
  return keys.map((key) => ({ namespace, key }));
}
