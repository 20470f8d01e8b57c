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

export type Operation = GetOperation | HeadOperation | PutOperation | DeleteOperation;

export function isWrite(operation: Operation): operation is PutOperation | DeleteOperation {
  return operation.op === 'put' || operation.op === 'delete';
}
