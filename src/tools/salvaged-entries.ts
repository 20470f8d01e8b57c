// What is known of a shard's entries while its files are gone through, oldest first: the last
// provable change of each key, and the doubts about what may be missing.
import { compareEntries, type EntryPosition, type StreamedEntry } from '../shard/entry-stream.ts';
import type { EntryRecord } from '../storage/record.ts';
import type { Finding } from './finding.ts';
import { isInRange, type KeyRange } from './key-range.ts';

/** The last provable change of a key. */
export interface LastKnown extends EntryPosition {
  readonly version: number;
  /** Undefined where it was deleted. */
  readonly record: Omit<EntryRecord, 'version'> | undefined;
}

type Covers = (entry: EntryPosition) => boolean;

/** Changes are missing: a key that it covers may have had one of them. */
export interface Doubt {
  /** The highest seq that a missing change may have; Infinity where nobody knows. */
  readonly toSeq: number;
  readonly covers: Covers;
  /** What is to be said if the doubt remains. */
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
   * All entries of a namespace that are known are deleted, by a change of this seq, or of this version.
   * What is newer was put behind it: the note that stood at its place is lost.
   */
  flush(namespace: string, seq: number): void {
    const keys = this.#namespaces.get(namespace);
    for (const [key, known] of keys ?? []) {
      if (known.record !== undefined && known.version >= seq) continue;
      keys?.set(key, { ...known, version: seq, record: undefined });
    }
  }

  /**
   * A snapshot knows better than what came before it, except where it has gaps itself.
   *
   * @param seq that the next change would have taken when it was made
   */
  overlay(entries: readonly StreamedEntry[], gaps: readonly KeyRange[], seq: number): void {
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

  /** In order, deleted ones among them. */
  sorted(): LastKnown[] {
    const all = [...this.#namespaces.values()].flatMap((keys) => [...keys.values()]);
    return all.toSorted(compareEntries);
  }
}
