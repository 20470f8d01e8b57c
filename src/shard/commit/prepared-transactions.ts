// A shard's part in transactions over several shards. Holds the prepared transactions in doubt, and
// the outcomes that other participants may still need. No reader sees either. Knows no file.
import {
  encodeDelete,
  encodeOutcome,
  encodePrepare,
  encodePut,
  valueOfRecord,
} from '../../storage/record.ts';
import { assert } from '../../base/assert.ts';
import { byteStringOfText } from '../../base/byte-string.ts';
import { defaultNamespace } from '../../base/default-namespace.ts';
import type { ChangeRecord, PrepareRecord } from '../../storage/record.ts';
import type { InDoubtTransaction } from '../../protocol/shard-operation.ts';
import type { ExpiresAt } from '../../store/result.ts';
import { LargestSize } from '../table/largest-size.ts';

export interface PreparedChange {
  readonly namespace: string;
  readonly key: string;
  /** The value is a byte string. Undefined: the change deletes the key. */
  readonly put: { readonly value: string; readonly expiresAt: ExpiresAt } | undefined;
}

export interface PreparedTransaction extends InDoubtTransaction {
  /** The version of all entries that the transaction puts. */
  readonly version: number;
  /** Namespaces that the transaction flushes before its changes. */
  readonly flush: readonly string[];
  readonly changes: readonly PreparedChange[];
}

/** A prepared change without its characters: objects, string headers, slots of a list. */
const changeOverheadBytes = 320;

/** The heap use of an outcome that a start finds in the files, in bytes. */
const outcomeHeapBytes = 200;

export class PreparedTransactions {
  readonly #prepared = new Map<string, PreparedTransaction>();
  readonly #outcomes = new Map<string, boolean>();
  readonly #largest = new LargestSize();
  #heapBytes = 0;
  #puts = 0;
  #recorded = 0;

  /** The heap use of prepared changes, at most, in bytes. */
  get heapBytes(): number {
    return this.#heapBytes;
  }

  /** An upper bound for the sum of the values of any prepared transaction, in bytes. */
  get largestBytes(): number {
    return this.#largest.bytes;
  }

  /** Number of outcomes so far. A start finds all of them that are in live journals. */
  get recorded(): number {
    return this.#recorded;
  }

  /** Number of outcomes that other participants may still need. */
  get remembered(): number {
    return this.#outcomes.size;
  }

  /** The number of entries that the prepared transactions may add. */
  get puts(): number {
    return this.#puts;
  }

  get(transaction: string): PreparedTransaction | undefined {
    return this.#prepared.get(transaction);
  }

  add(prepared: PreparedTransaction): void {
    if (this.#prepared.has(prepared.transaction)) return;
    this.#prepared.set(prepared.transaction, prepared);
    this.#count(prepared, 1);
  }

  /** Call it when the outcome is recorded. Keeps the outcome until `forget`. */
  resolve(transaction: string, committed: boolean): void {
    const prepared = this.#prepared.get(transaction);
    if (prepared !== undefined) this.#count(prepared, -1);
    this.#prepared.delete(transaction);
    this.#outcomes.set(transaction, committed);
    this.#recorded += 1;
  }

  forget(transaction: string): void {
    this.#outcomes.delete(transaction);
  }

  /**
   * Encodes everything as journal records, for a journal that must not depend on earlier journals.
   * Encodes each record only when the caller asks for it: all at once might not fit into memory.
   */
  records(): Iterable<string> {
    return { [Symbol.iterator]: () => this.#encoded() };
  }

  *#encoded(): Generator<string, void, void> {
    for (const [transaction, committed] of this.#outcomes) {
      yield encodeOutcome(transaction, committed);
    }
    for (const prepared of this.#prepared.values()) yield encodePrepared(prepared);
  }

  #count({ changes }: PreparedTransaction, sign: 1 | -1): void {
    let bytes = 0;
    for (const { key, put } of changes) {
      if (put === undefined) continue;
      bytes += put.value.length;
      this.#heapBytes += sign * (key.length + put.value.length + changeOverheadBytes);
      this.#puts += sign;
    }
    assert(this.#puts >= 0 && this.#heapBytes >= 0, 'a transaction is counted as often as removed');
    if (sign === 1) this.#largest.add(bytes);
    else this.#largest.remove(bytes);
  }
}

/** The heap use of this many outcomes while a start holds them, in bytes. */
export function outcomesHeapBytes(outcomes: number): number {
  return outcomes * outcomeHeapBytes;
}

export function encodePrepared(prepared: PreparedTransaction): string {
  const changes = prepared.changes.map(({ namespace, key, put }) =>
    put === undefined
      ? encodeDelete(namespace, key)
      : encodePut(namespace, key, put.value, put.expiresAt),
  );
  return encodePrepare(prepared, changes);
}

export function preparedOfRecord(record: PrepareRecord): PreparedTransaction {
  const { transaction, participants, version, flush = [], changes } = record;
  return { transaction, participants, version, flush, changes: changes.map(changeOfRecord) };
}

function changeOfRecord(record: ChangeRecord): PreparedChange {
  const { namespace = defaultNamespace } = record;
  const key = byteStringOfText(record.key);
  if (record.op === 'delete') return { namespace, key, put: undefined };
  return { namespace, key, put: { value: valueOfRecord(record), expiresAt: record.expiresAt } };
}
