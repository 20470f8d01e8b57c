// What journal records, in their order, come to: changes of entries. A part of a transaction waits
// for its note, at whose place its changes are made; what becomes of one without a note is for the
// caller to say (src/storage/transaction-outcome.ts).
import { byteStringOfText } from '../base/byte-string.ts';
import { defaultNamespace } from '../base/default-namespace.ts';
import type { ChangeRecord, JournalRecord, PartRecord } from '../storage/record.ts';
import type { TransactionTraces } from '../storage/transaction-outcome.ts';

export interface ReplayedChange {
  readonly namespace: string;
  /** As byte string. */
  readonly key: string;
  /** Of the entry, where it is put. */
  readonly version: number;
  readonly record: ChangeRecord;
  /** The transaction over several shards that it is a change of, if it is. */
  readonly transaction: string | undefined;
}

/** Takes what records come to, in order. */
export interface ReplaySink {
  change(change: ReplayedChange): void;
  /** All entries of the namespace are gone. */
  flush(namespace: string, seq: number): void;
}

export class RecordReplay implements TransactionTraces {
  readonly parts = new Map<string, PartRecord>();
  readonly notes = new Map<string, boolean>();
  readonly #sink: ReplaySink;

  constructor(sink: ReplaySink) {
    this.#sink = sink;
  }

  /** @param seq of the first of them */
  take(records: readonly JournalRecord[], seq: number): void {
    for (const [index, record] of records.entries()) this.#take(record, seq + index);
  }

  /** Ends a part that is there, as a note does. */
  decide(transaction: string, committed: boolean): void {
    const part = this.parts.get(transaction);
    this.parts.delete(transaction);
    if (part === undefined || !committed) return;
    for (const namespace of part.flush ?? []) this.#sink.flush(namespace, part.version);
    for (const change of part.changes) this.#change(change, part.version, transaction);
  }

  #take(record: JournalRecord, seq: number): void {
    if (record.op === 'part') {
      this.parts.set(record.transaction, record);
    } else if (record.op === 'note') {
      this.notes.set(record.transaction, record.committed);
      this.decide(record.transaction, record.committed);
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
