// What a shard knows of transactions over several shards: those that it has prepared and that are in
// doubt, and outcomes that other participants may still need. No reader sees either.
import {
  encodeDelete,
  encodeOutcome,
  encodePrepare,
  encodePut,
  valueOfRecord,
} from '../storage/record.ts';
import { byteStringOfText } from '../base/byte-string.ts';
import { defaultNamespace } from '../base/default-namespace.ts';
import type { ChangeRecord, PrepareRecord } from '../storage/record.ts';
import type { InDoubtTransaction } from '../protocol/shard-operation.ts';
import type { ExpiresAt } from '../store/result.ts';
import { entryHeapBytes } from './entry-table.ts';
import { LargestSize } from './largest-size.ts';

export interface PreparedChange {
  readonly namespace: string;
  readonly key: string;
  /** The value as byte string. Undefined: deleted. */
  readonly put: { readonly value: string; readonly expiresAt: ExpiresAt } | undefined;
}

export interface PreparedTransaction extends InDoubtTransaction {
  /** Of all entries that it puts. */
  readonly version: number;
  /** Namespaces that are flushed before the changes. */
  readonly flush: readonly string[];
  readonly changes: readonly PreparedChange[];
}

/** What an outcome takes while it is found in the files at a start. */
const outcomeHeapBytes = 200;

export class PreparedTransactions {
  readonly #prepared = new Map<string, PreparedTransaction>();
  readonly #outcomes = new Map<string, boolean>();
  readonly #largest = new LargestSize();
  #heapBytes = 0;
  #puts = 0;
  #recorded = 0;

  /** What prepared changes take of the heap, at most, in bytes. */
  get heapBytes(): number {
    return this.#heapBytes;
  }

  /** The values of no prepared transaction are larger, in sum, in bytes. */
  get largestBytes(): number {
    return this.#largest.bytes;
  }

  /** Outcomes so far: a start finds all of them that are in live journals. */
  get recorded(): number {
    return this.#recorded;
  }

  /** Outcomes that other participants may still need. */
  get remembered(): number {
    return this.#outcomes.size;
  }

  /** How many entries they may add. */
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

  /** Its outcome is recorded. The outcome is kept until all participants have recorded it. */
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
   * All of it as journal records: for a journal that goes on without those before it. Each is made
   * when it is asked for, since all of them at once might not fit into memory.
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
      this.#heapBytes += sign * entryHeapBytes(key, put.value, put.expiresAt);
      this.#puts += sign;
    }
    if (sign === 1) this.#largest.add(bytes);
    else this.#largest.remove(bytes);
  }
}

/** What so many outcomes take while a start finds them, in bytes. */
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
