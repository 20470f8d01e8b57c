// The findings that a repair prints, as one JSON object a line. Programs read them: docs/tools.md and
// `repair --help` document every kind. Knows no file and no stream.

import { textOfByteString } from '../base/byte-string.ts';
import type { EntryPosition } from '../shard/streams/entry-stream.ts';
import { defaultNamespace } from '../base/default-namespace.ts';

/** The name of an entry. The namespace is left out if it is the default one. */
export interface NamedEntry {
  readonly namespace?: string;
  readonly key: string;
}

/** A place in a file that is not valid. This finding alone says nothing about loss. */
export interface DamageFinding {
  readonly finding: 'damage';
  /** Relative to the data folder. */
  readonly file: string;
  readonly line?: number;
  /** In bytes, from the start of the file. */
  readonly offset?: number;
  readonly bytes?: number;
  readonly what: string;
}

/** Bytes that a crash left behind the last durable mark. A start cuts them off too. No loss. */
export interface TornEndFinding {
  readonly finding: 'torn-tail';
  readonly file: string;
  readonly offset: number;
  readonly what: string;
}

/** A file or folder that is not part of the store. */
export interface UnusedFinding {
  readonly finding: 'unused';
  readonly file: string;
  readonly what: string;
}

/** Changes that no file holds any more. */
export interface LostChangesFinding {
  readonly finding: 'lost-changes';
  readonly shard: number;
  readonly file: string;
  /** The seq of the first and of the last lost change. The last is null if it cannot be known. */
  readonly fromSeq: number;
  readonly toSeq: number | null;
  /** The number of changes. Null if it cannot be known, since seq may have jumped in between. */
  readonly changes: number | null;
}

/** A range of keys of a snapshot whose entries no other file holds. */
export interface LostEntriesFinding {
  readonly finding: 'lost-entries';
  readonly shard: number;
  readonly file: string;
  readonly after: NamedEntry | null;
  readonly before: NamedEntry | null;
  /**
   * The number of missing entries in all ranges of this file together. Older files may have some of
   * those entries. Null if the number cannot be known.
   */
  readonly entries: number | null;
}

/** No file proves the end of the data: newer files or changes may be missing without a trace. */
export interface UnprovedEndFinding {
  readonly finding: 'unproved-end';
  /** Null if the finding is about the whole store. */
  readonly shard: number | null;
  readonly file: string;
  readonly what: string;
}

/** A transaction over several shards without an outcome record. Lost lines may have held one. */
export interface TransactionFinding {
  readonly finding: 'transaction';
  readonly transaction: string;
  readonly participants: readonly number[];
  /** The participants whose prepare record was found. */
  readonly prepared: readonly number[];
  /** The part of the prepared changes that is kept. Key findings list their keys in either case. */
  readonly kept: 'all' | 'nothing';
  readonly what: string;
}

/** A key whose newest change may be lost, and what the new store has for the key. */
export interface KeyFinding extends NamedEntry {
  readonly finding: 'key';
  readonly shard: number;
  readonly kept: 'value' | 'nothing';
  /**
   * The version of the value that is kept, or of the delete that is the last provable change. Null
   * if the key has no provable change.
   */
  readonly version: number | null;
  /** Set if the damaged bytes, or a transaction in doubt, name the key. */
  readonly named?: true;
}

export type Finding =
  | DamageFinding
  | TornEndFinding
  | UnusedFinding
  | LostChangesFinding
  | LostEntriesFinding
  | UnprovedEndFinding
  | TransactionFinding
  | KeyFinding;

export function isLoss({ finding }: Finding): boolean {
  return finding !== 'damage' && finding !== 'torn-tail' && finding !== 'unused';
}

export function nameInFinding({ namespace, key }: EntryPosition): NamedEntry {
  const text = textOfByteString(key);
  return namespace === defaultNamespace ? { key: text } : { namespace, key: text };
}
