// The changes of one batch before they are durable: the batch's own operations see them, nobody
// else does. They go into the table all together, or are dropped.
import { encodeDelete, encodePut } from '../storage/record.ts';
import { isExpired, type Entry } from './entry.ts';
import type { EntryTable } from './entry-table.ts';

type Change =
  | { readonly op: 'put'; readonly entry: Entry }
  | { readonly op: 'delete'; readonly namespace: string; readonly key: string };

export class Staging {
  readonly #table: EntryTable;
  readonly #now: number;
  readonly #firstSeq: number;
  readonly #changes: Change[] = [];
  readonly #records: string[] = [];
  /** By namespace and key: what stands after the changes so far; null where deleted. */
  readonly #overlay = new Map<string, Map<string, Entry | null>>();

  /** @param firstSeq the seq that the first change takes */
  constructor(table: EntryTable, now: number, firstSeq: number) {
    this.#table = table;
    this.#now = now;
    this.#firstSeq = firstSeq;
  }

  /** The changes as journal records, in order of their seq. */
  get records(): readonly string[] {
    return this.#records;
  }

  /** The entry that a reader sees now: expired ones are gone. */
  get(namespace: string, key: string): Entry | undefined {
    const entry = this.#find(namespace, key);
    return entry === undefined || isExpired(entry, this.#now) ? undefined : entry;
  }

  /** Returns the version that the entry has now. */
  put(namespace: string, key: string, value: string, expiresAt: number | undefined): number {
    const version = this.#firstSeq + this.#records.length;
    const entry: Entry = { namespace, key, value, version, expiresAt };
    this.#changes.push({ op: 'put', entry });
    this.#records.push(encodePut(namespace, key, value, expiresAt));
    this.#cover(namespace, key, entry);
    return version;
  }

  delete(namespace: string, key: string): void {
    this.#changes.push({ op: 'delete', namespace, key });
    this.#records.push(encodeDelete(namespace, key));
    this.#cover(namespace, key, null);
  }

  /** Makes the changes visible; call it when they are as durable as the mode asks. */
  commit(): void {
    for (const change of this.#changes) {
      if (change.op === 'put') this.#table.set(change.entry);
      else this.#table.delete(change.namespace, change.key);
    }
  }

  #find(namespace: string, key: string): Entry | undefined {
    if (this.#overlay.size > 0) {
      const staged = this.#overlay.get(namespace)?.get(key);
      if (staged !== undefined) return staged ?? undefined;
    }
    return this.#table.get(namespace, key);
  }

  #cover(namespace: string, key: string, entry: Entry | null): void {
    let covered = this.#overlay.get(namespace);
    if (covered === undefined) {
      covered = new Map();
      this.#overlay.set(namespace, covered);
    }
    covered.set(key, entry);
  }
}
