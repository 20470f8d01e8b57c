// Holds what a salvage knows of a shard's entries, while it goes through the files, oldest first.
// Owns the last provable change of each key, and the doubts about missing changes. Knows no file.
import {
  compareEntries,
  type EntryPosition,
  type StreamedEntry,
} from '../shard/streams/entry-stream.ts';
import type { EntryRecord } from '../storage/record.ts';
import type { Finding } from './finding.ts';
import { isInRange, type EntryRange } from './entry-range.ts';

/** The last provable change of a key. */
export interface LastKnown extends EntryPosition {
  readonly version: number;
  /** Undefined if the change was a delete. */
  readonly record: Omit<EntryRecord, 'version'> | undefined;
}

type Covers = (entry: EntryPosition) => boolean;

/** Some changes are missing. One of them may have changed a key that the doubt covers. */
export interface Doubt {
  /** The highest seq that a missing change may have; Infinity if it is unknown. */
  readonly toSeq: number;
  readonly covers: Covers;
  /** The finding to report if the doubt remains. */
  readonly finding: Finding | undefined;
  /** Entries that the damaged bytes seem to name. */
  readonly named: readonly EntryPosition[];
}

export class SalvagedEntries {
  readonly #namespaces = new Map<string, Map<string, LastKnown>>();
  #doubts: Doubt[] = [];

  get doubts(): readonly Doubt[] {
    return this.#doubts;
  }

  doubt(doubt: Doubt): void {
    this.#doubts.push(doubt);
  }

  get({ namespace, key }: EntryPosition): LastKnown | undefined {
    return this.#namespaces.get(namespace)?.get(key);
  }

  set(known: LastKnown): void {
    let keys = this.#namespaces.get(known.namespace);
    if (keys === undefined) {
      keys = new Map();
      this.#namespaces.set(known.namespace, keys);
    }
    keys.set(known.key, known);
  }

  /**
   * Deletes all known entries of a namespace. An entry with this version or a newer one stays. A
   * client put it after the flush, and the outcome record at the flush's place is lost.
   *
   * @param seq of the flush, or the version of the transaction that flushed
   */
  flush(namespace: string, seq: number): void {
    const keys = this.#namespaces.get(namespace);
    for (const [key, known] of keys ?? []) {
      if (known.record !== undefined && known.version >= seq) continue;
      keys?.set(key, { ...known, version: seq, record: undefined });
    }
  }

  /**
   * Replaces everything known by the entries of a snapshot, except in the snapshot's gaps.
   *
   * @param seq the seq that the next change would have had when the shard made the snapshot
   */
  overlay(entries: readonly StreamedEntry[], gaps: readonly EntryRange[], seq: number): void {
    const inGap: Covers = (entry) => gaps.some((gap) => isInRange(entry, gap));
    for (const keys of this.#namespaces.values()) {
      for (const [key, known] of keys) if (!inGap(known)) keys.delete(key);
    }
    for (const entry of entries) this.set(entry);
    const restricted = new Map<Covers, Covers>();
    this.#doubts = (gaps.length === 0 ? [] : this.#doubts).map((doubt) => {
      const { covers } = doubt;
      const both = restricted.get(covers) ?? ((entry) => covers(entry) && inGap(entry));
      restricted.set(covers, both);
      return { ...doubt, covers: both, toSeq: Math.min(doubt.toSeq, seq - 1) };
    });
  }

  /** In (namespace, key) order. Includes deleted keys. */
  sorted(): LastKnown[] {
    const all = [...this.#namespaces.values()].flatMap((keys) => [...keys.values()]);
    return all.toSorted(compareEntries);
  }
}
