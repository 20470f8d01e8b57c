// What a shard knows of transactions over several shards: its parts that are not decided yet, and
// notes that other shards may still need. Neither is part of what anybody reads.
import {
  encodeDelete,
  encodeNote,
  encodePart,
  encodePut,
  valueOfRecord,
} from '../storage/record.ts';
import { byteStringOfText } from '../base/byte-string.ts';
import { defaultNamespace } from '../base/default-namespace.ts';
import type { ChangeRecord, PartRecord } from '../storage/record.ts';
import type { TransactionPart } from '../protocol/shard-operation.ts';
import type { ExpiresAt } from '../store/result.ts';
import { entryHeapBytes } from './entry-table.ts';

export interface PartChange {
  readonly namespace: string;
  readonly key: string;
  /** The value as byte string. Undefined: deleted. */
  readonly put: { readonly value: string; readonly expiresAt: ExpiresAt } | undefined;
}

export interface Part extends TransactionPart {
  /** Of all entries that it puts. */
  readonly version: number;
  /** Namespaces that are flushed before the changes. */
  readonly flush: readonly string[];
  readonly changes: readonly PartChange[];
}

export class OpenTransactions {
  readonly #parts = new Map<string, Part>();
  readonly #notes = new Map<string, boolean>();
  #heapBytes = 0;
  #puts = 0;

  /** About what undecided parts take of the heap, in bytes. */
  get heapBytes(): number {
    return this.#heapBytes;
  }

  /** How many entries they may add. */
  get puts(): number {
    return this.#puts;
  }

  part(transaction: string): Part | undefined {
    return this.#parts.get(transaction);
  }

  add(part: Part): void {
    if (this.#parts.has(part.transaction)) return;
    this.#parts.set(part.transaction, part);
    this.#count(part, 1);
  }

  /** It is decided, and that is noted; the note is kept until all shards have one. */
  note(transaction: string, committed: boolean): void {
    const part = this.#parts.get(transaction);
    if (part !== undefined) this.#count(part, -1);
    this.#parts.delete(transaction);
    this.#notes.set(transaction, committed);
  }

  settle(transaction: string): void {
    this.#notes.delete(transaction);
  }

  /** All of it as journal records: for a journal that goes on without those before it. */
  records(): string[] {
    const notes = [...this.#notes].map(([id, committed]) => encodeNote(id, committed));
    return [...notes, ...[...this.#parts.values()].map(encodePartOf)];
  }

  #count({ changes }: Part, sign: 1 | -1): void {
    for (const { key, put } of changes) {
      if (put === undefined) continue;
      this.#heapBytes += sign * entryHeapBytes(key, put.value);
      this.#puts += sign;
    }
  }
}

export function encodePartOf(part: Part): string {
  const changes = part.changes.map(({ namespace, key, put }) =>
    put === undefined
      ? encodeDelete(namespace, key)
      : encodePut(namespace, key, put.value, put.expiresAt),
  );
  return encodePart(part, changes);
}

export function partOfRecord(record: PartRecord): Part {
  const { transaction, shards, version, flush = [], changes } = record;
  return { transaction, shards, version, flush, changes: changes.map(changeOfRecord) };
}

function changeOfRecord(record: ChangeRecord): PartChange {
  const { namespace = defaultNamespace } = record;
  const key = byteStringOfText(record.key);
  if (record.op === 'delete') return { namespace, key, put: undefined };
  return { namespace, key, put: { value: valueOfRecord(record), expiresAt: record.expiresAt } };
}
