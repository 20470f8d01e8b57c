// Turns journal records, in order, into changes of entries. Holds prepared changes back until their
// outcome record, and applies them at its place. The caller decides transactions that stay in doubt
// (src/storage/transaction-outcome.ts). Knows no table and no file.
import { byteStringOfText } from '../../base/byte-string.ts';
import { defaultNamespace } from '../../base/default-namespace.ts';
import {
  isOutcomeRecord,
  type ChangeRecord,
  type JournalRecord,
  type PrepareRecord,
} from '../../storage/record.ts';
import type { TransactionTraces } from '../../storage/transaction-outcome.ts';

export interface ReplayedChange {
  readonly namespace: string;
  /** A byte string. */
  readonly key: string;
  /**
   * The version of the entry that the change puts. For a delete, the seq or the transaction's version.
   */
  readonly version: number;
  readonly record: ChangeRecord;
  /** Id of the transaction over several shards that contains the change; undefined if none does. */
  readonly transaction: string | undefined;
}

/** Receives the changes, in order. */
export interface ReplaySink {
  change(change: ReplayedChange): void;
  /** Deletes all entries of the namespace. */
  flush(namespace: string, seq: number): void;
}

export class RecordReplay implements TransactionTraces {
  readonly prepared = new Map<string, PrepareRecord>();
  readonly outcomes = new Map<string, boolean>();
  readonly #sink: ReplaySink;

  constructor(sink: ReplaySink) {
    this.#sink = sink;
  }

  /** @param seq the seq of the first record */
  take(records: readonly JournalRecord[], seq: number): void {
    let next = seq;
    for (const record of records) this.#take(record, next++);
  }

  /** Applies or drops the changes of a prepared transaction, as an outcome record does. */
  resolve(transaction: string, committed: boolean): void {
    const prepared = this.prepared.get(transaction);
    this.prepared.delete(transaction);
    if (prepared === undefined || !committed) return;
    const { version, flush = [], changes } = prepared;
    for (const namespace of flush) this.#sink.flush(namespace, version);
    for (const change of changes) this.#change(change, version, transaction);
  }

  #take(record: JournalRecord, seq: number): void {
    if (record.op === 'prepare') {
      this.prepared.set(record.transaction, record);
    } else if (isOutcomeRecord(record)) {
      const committed = record.op === 'commit';
      this.outcomes.set(record.transaction, committed);
      this.resolve(record.transaction, committed);
    } else if (record.op === 'flush') {
      this.#sink.flush(record.namespace ?? defaultNamespace, seq);
    } else {
      this.#change(record, record.op === 'put' ? (record.version ?? seq) : seq, undefined);
    }
  }

  #change(record: ChangeRecord, version: number, transaction: string | undefined): void {
    const { namespace = defaultNamespace } = record;
    const key = byteStringOfText(record.key);
    this.#sink.change({ namespace, key, version, record, transaction });
  }
}
