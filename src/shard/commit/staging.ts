// The changes of one batch before they are durable. The batch's own operations see the changes in the
// table at once, and no reader asks the table meanwhile. Encodes the journal records of the changes. The
// caller commits them when they are durable, or has them undone. Knows no file.
import { encodeDelete, encodeFlush, encodeOutcome, encodePut } from '../../storage/record.ts';
import { isExpired, type Entry, type EntryHead } from '../table/entry.ts';
import type { EntryTable } from '../table/entry-table.ts';
import {
  encodePrepared,
  type PreparedTransactions,
  type PreparedTransaction,
} from './prepared-transactions.ts';

/** A change of what the shard knows of transactions over several shards. */
type StagedStep =
  | { readonly did: 'prepare'; readonly prepared: PreparedTransaction }
  | { readonly did: 'resolve'; readonly transaction: string; readonly committed: boolean };

export class Staging {
  readonly #table: EntryTable;
  readonly #transactions: PreparedTransactions;
  readonly #now: number;
  readonly #firstSeq: number;
  readonly #steps: StagedStep[] = [];
  readonly #records: string[] = [];
  #mustSync = false;

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
    const entry = this.#table.get(namespace, key);
    return entry === undefined || isExpired(entry, now) ? undefined : entry;
  }

  /** Like `get`, without the value. */
  head(namespace: string, key: string, now = this.#now): EntryHead | undefined {
    const head = this.#table.head(namespace, key);
    return head === undefined || isExpired(head, now) ? undefined : head;
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
    this.#table.set({ namespace, key, value, version: given, expiresAt });
    return given;
  }

  delete(namespace: string, key: string): void {
    this.#records.push(encodeDelete(namespace, key));
    this.#table.delete(namespace, key);
  }

  flush(namespace: string): void {
    this.#records.push(encodeFlush(namespace));
    this.#table.flush(namespace);
  }

  /** From here on the records must be on stable storage before the batch answers. */
  requireSync(): void {
    this.#mustSync = true;
  }

  /** Changes nothing that a reader can see. */
  prepare(prepared: PreparedTransaction): void {
    this.#records.push(encodePrepared(prepared));
    this.#steps.push({ did: 'prepare', prepared });
    this.#mustSync = true;
  }

  resolve({ transaction, version, flush, changes }: PreparedTransaction, committed: boolean): void {
    this.#records.push(encodeOutcome(transaction, committed));
    this.#steps.push({ did: 'resolve', transaction, committed });
    this.#mustSync = true;
    for (const namespace of committed ? flush : []) this.#table.flush(namespace);
    for (const { namespace, key, put } of committed ? changes : []) {
      if (put === undefined) this.#table.delete(namespace, key);
      else this.#table.set({ namespace, key, ...put, version });
    }
  }

  /** Makes the changes final. Call it when they are as durable as the mode asks. */
  commit(): void {
    this.#table.commit();
    for (const step of this.#steps) {
      if (step.did === 'prepare') this.#transactions.add(step.prepared);
      else this.#transactions.resolve(step.transaction, step.committed);
    }
  }

  /** Undoes the changes. */
  rollback(): void {
    this.#table.rollback();
  }
}
