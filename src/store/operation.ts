// What a front end can ask of a store. Plain data: it crosses threads.

/** `*` is any existing entry; a list is any of these versions. */
export type VersionMatch = '*' | readonly number[];

/** RFC 9110 section 13, on versions. Both must hold. */
export interface Conditions {
  ifMatch?: VersionMatch | undefined;
  ifNoneMatch?: VersionMatch | undefined;
}

/** Names one entry. `key` is a byte string (src/base/byte-string.ts); a namespace is printable ASCII. */
export interface EntryName {
  readonly namespace: string;
  readonly key: string;
}

export interface GetOperation extends EntryName {
  readonly op: 'get';
}

/** Like `get`, without the value. */
export interface HeadOperation extends EntryName {
  readonly op: 'head';
}

export interface PutOperation extends EntryName, Conditions {
  readonly op: 'put';
  /** Must not be changed after it was handed over. */
  readonly value: Uint8Array;
  /** Milliseconds to live from the stamp of the batch, at least 1. None: the entry stays. */
  readonly ttlMs?: number | undefined;
}

export interface DeleteOperation extends EntryName, Conditions {
  readonly op: 'delete';
}

/**
 * A command of src/commands on keys that one shard has; see `CommandStore.areOnOneShard`. `key` is the first
 * of its keys.
 */
export interface CommandOperation extends EntryName {
  readonly op: 'command';
  /** As in the command table. */
  readonly name: string;
  readonly access: 'read' | 'write';
  /** The words behind the name, and the keys among them. Byte strings. */
  readonly args: readonly string[];
  readonly keys: readonly string[];
  /** What a value may have, in bytes. */
  readonly valueBytesMax: number;
}

export type Operation = GetOperation | HeadOperation | PutOperation | DeleteOperation;

export function isWrite(operation: Operation | CommandOperation): boolean {
  const { op } = operation;
  return op === 'put' || op === 'delete' || (op === 'command' && operation.access === 'write');
}

/** All entries that an operation is about. */
export function namesOf(operation: Operation | CommandOperation): readonly EntryName[] {
  if (operation.op !== 'command') return [operation];
  const { namespace, keys } = operation;
  return keys.map((key) => ({ namespace, key }));
}
