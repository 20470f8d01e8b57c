// What a repair has to say about a store, as one JSON object a line. The README and `repair --help`
// name the kinds; programs read them.

import { textOfByteString } from '../base/byte-string.ts';
import type { EntryPosition } from '../shard/entry-stream.ts';
import { defaultNamespace } from '../base/default-namespace.ts';

/** An entry by name; the namespace only where it is not the default one. */
export interface NamedEntry {
  readonly namespace?: string;
  readonly key: string;
}

/** A place that is not what it must be. By itself it says nothing about loss. */
export interface DamageFinding {
  readonly finding: 'damage';
  /** Relative to the data folder. */
  readonly file: string;
  readonly line?: number;
  /** In bytes. */
  readonly offset?: number;
  readonly bytes?: number;
  readonly what: string;
}

/** What a crash left behind the last durable mark: cut, as a start would. No loss. */
export interface TornEndFinding {
  readonly finding: 'torn-end';
  readonly file: string;
  readonly offset: number;
  readonly what: string;
}

/** A file that is there but does not belong. */
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
  /** The first and the last one's seq; the last is null where nobody can know it. */
  readonly fromSeq: number;
  readonly toSeq: number | null;
  /** Null where it can not be known, since seq may have jumped in between. */
  readonly changes: number | null;
}

/** Entries of a snapshot that no other file holds: those between two keys. */
export interface LostEntriesFinding {
  readonly finding: 'lost-entries';
  readonly shard: number;
  readonly file: string;
  readonly after: NamedEntry | null;
  readonly before: NamedEntry | null;
  /**
   * How many are missing in all ranges of this file, of which older files may have some; null where
   * it can not be known.
   */
  readonly entries: number | null;
}

/** Nobody knows any more which files were the newest: some may be missing without a trace. */
export interface UnprovedEndFinding {
  readonly finding: 'unproved-end';
  /** Null if it is about the store as a whole. */
  readonly shard: number | null;
  readonly file: string;
  readonly what: string;
}

/** A transaction over several shards without an outcome record, though lost lines may have held one. */
export interface TransactionFinding {
  readonly finding: 'transaction';
  readonly transaction: string;
  readonly participants: readonly number[];
  /** The participants whose prepare record is there. */
  readonly prepared: readonly number[];
  /** Of the prepared changes. Their keys are listed in either case. */
  readonly kept: 'all' | 'nothing';
  readonly what: string;
}

/** A key whose newest change may be among what is lost, and what stands for it now. */
export interface KeyFinding extends NamedEntry {
  readonly finding: 'key';
  readonly shard: number;
  readonly kept: 'value' | 'nothing';
  /** Of what is kept, or of the delete that is the last provable change; null where there is none. */
  readonly version: number | null;
  /** The damaged bytes still name it, or a transaction in doubt does. */
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
  return finding !== 'damage' && finding !== 'torn-end' && finding !== 'unused';
}

export function nameInFinding({ namespace, key }: EntryPosition): NamedEntry {
  const text = textOfByteString(key);
  return namespace === defaultNamespace ? { key: text } : { namespace, key: text };
}
