// The changes of one batch before they are durable: a write batch over the table. Only the batch's
// own operations see the changes. The table gets all of them or none. Knows no file.
import { encodeDelete, encodeFlush, encodeOutcome, encodePut } from '../../storage/record.ts';
import { isExpired, type Entry } from '../table/entry.ts';
import type { EntryTable } from '../table/entry-table.ts';
import {
  encodePrepared,
  type PreparedTransactions,
  type PreparedTransaction,
} from './prepared-transactions.ts';

type StagedChange =
  | { readonly op: 'put'; readonly entry: Entry }
  | { readonly op: 'delete'; readonly namespace: string; readonly key: string }
  | { readonly op: 'flush'; readonly namespace: string }
  | { readonly op: 'prepare'; readonly prepared: PreparedTransaction }
  | { readonly op: 'resolve'; readonly transaction: string; readonly committed: boolean };

export class Staging {
  readonly #table: EntryTable;
  readonly #transactions: PreparedTransactions;
  readonly #now: number;
  readonly #firstSeq: number;
  readonly #changes: StagedChange[] = [];
  readonly #records: string[] = [];
  #mustSync = false;
  /** By namespace and key: the entry after the changes so far; null if deleted. */
  readonly #overlay = new Map<string, Map<string, Entry | null>>();
  /** Namespaces whose entries in the table are all deleted. */
  readonly #flushed = new Set<string>();

  /** @param firstSeq the seq that the first change takes */
  constructor(
    table: EntryTable,
    transactions: PreparedTransactions,
    now: number,
    firstSeq: number,
  ) {
    this.#table = table;
    this.#transactions = transactions;
    this.#now = now;
    this.#firstSeq = firstSeq;
  }

  /** The changes as journal records, in order of their seq. */
  get records(): readonly string[] {
    return this.#records;
  }

  /** True if the records must be on stable storage before the batch answers, in every mode. */
  get mustSync(): boolean {
    return this.#mustSync;
  }

  /** The entry that a reader sees at `now`; undefined if it is missing or expired. */
  get(namespace: string, key: string, now = this.#now): Entry | undefined {
    const entry = this.#find(namespace, key);
    return entry === undefined || isExpired(entry, now) ? undefined : entry;
  }

  /**
   * @param version present if it is not the seq that the change takes
   * @returns the entry's new version
   */
  put(
    namespace: string,
    key: string,
    value: string,
    expiresAt: number | undefined,
    version?: number,
  ): number {
    const given = version ?? this.#firstSeq + this.#records.length;
    this.#records.push(encodePut(namespace, key, value, expiresAt, version));
    this.#put({ namespace, key, value, version: given, expiresAt });
    return given;
  }

  delete(namespace: string, key: string): void {
    this.#records.push(encodeDelete(namespace, key));
    this.#delete(namespace, key);
  }

  flush(namespace: string): void {
    this.#records.push(encodeFlush(namespace));
    this.#flush(namespace);
  }

  /** From here on the records must be on stable storage before the batch answers. */
  requireSync(): void {
    this.#mustSync = true;
  }

  /** Changes nothing that a reader can see. */
  prepare(prepared: PreparedTransaction): void {
    this.#records.push(encodePrepared(prepared));
    this.#changes.push({ op: 'prepare', prepared });
    this.#mustSync = true;
  }

  resolve({ transaction, version, flush, changes }: PreparedTransaction, committed: boolean): void {
    this.#records.push(encodeOutcome(transaction, committed));
    this.#changes.push({ op: 'resolve', transaction, committed });
    this.#mustSync = true;
    for (const namespace of committed ? flush : []) this.#flush(namespace);
    for (const { namespace, key, put } of committed ? changes : []) {
      if (put === undefined) this.#delete(namespace, key);
      else this.#put({ namespace, key, ...put, version });
    }
  }

  /** Makes the changes visible. Call it when they are as durable as the mode asks. */
  commit(): void {
    for (const change of this.#changes) {
      if (change.op === 'put') this.#table.set(change.entry);
      else if (change.op === 'delete') this.#table.delete(change.namespace, change.key);
      else if (change.op === 'flush') this.#table.flush(change.namespace);
      else if (change.op === 'prepare') this.#transactions.add(change.prepared);
      else this.#transactions.resolve(change.transaction, change.committed);
    }
  }

  #put(entry: Entry): void {
    this.#changes.push({ op: 'put', entry });
    this.#cover(entry.namespace, entry.key, entry);
  }

  #delete(namespace: string, key: string): void {
    this.#changes.push({ op: 'delete', namespace, key });
    this.#cover(namespace, key, null);
  }

  #flush(namespace: string): void {
    this.#changes.push({ op: 'flush', namespace });
    this.#overlay.delete(namespace);
    this.#flushed.add(namespace);
  }

  #find(namespace: string, key: string): Entry | undefined {
    if (this.#overlay.size > 0) {
      const staged = this.#overlay.get(namespace)?.get(key);
      if (staged !== undefined) return staged ?? undefined;
    }
    return this.#flushed.has(namespace) ? undefined : this.#table.get(namespace, key);
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
