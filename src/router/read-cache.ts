// Hot entries in the main thread, bounded by bytes. It must be invisible: an entry is dropped when
// a write for it is queued, and filled from a read's answer only if no write for it was queued
// behind that read.
import { LRUCache } from 'lru-cache';
import type { EntryName } from '../store/operation.ts';
import type { EntryResult, Result } from '../store/result.ts';

/** What an entry costs beside its key and value: the result, the buffer, the list's own links. */
const entryOverheadBytes = 400;

/** Reads of one key that wait for their answers, with no write queued among or behind them. */
export interface PendingReads {
  count: number;
  /** A write was queued behind them: what they bring is old by then. */
  isOutrun: boolean;
}

function cacheKey({ namespace, key }: EntryName): string {
  return `${namespace}\0${key}`;
}

export class ReadCache {
  readonly #entries: LRUCache<string, EntryResult> | undefined;
  /**
   * Reads are kept account of and not writes: they are few, since most are answered here, while a
   * map that every write goes through would cost each of them its upkeep.
   */
  readonly #pending = new Map<string, PendingReads>();
  #hits = 0;
  #misses = 0;

  /** @param bytesMax 0 turns it off */
  constructor(bytesMax: number) {
    if (bytesMax === 0) return;
    this.#entries = new LRUCache({
      maxSize: bytesMax,
      sizeCalculation: ({ size }, key) => size + key.length + entryOverheadBytes,
    });
  }

  get figures(): { hits: number; misses: number; entries: number; bytes: number } {
    const entries = this.#entries?.size ?? 0;
    const bytes = this.#entries?.calculatedSize ?? 0;
    return { hits: this.#hits, misses: this.#misses, entries, bytes };
  }

  /** @param now a stamp: what has expired by then is not there */
  get(name: EntryName, now: number): EntryResult | undefined {
    if (this.#entries === undefined) return undefined;
    const entry = this.#entries.get(cacheKey(name));
    if (entry === undefined || (entry.expiresAt !== undefined && entry.expiresAt <= now)) {
      this.#misses += 1;
      return undefined;
    }
    this.#hits += 1;
    return entry;
  }

  writeQueued(name: EntryName): void {
    if (this.#entries === undefined) return;
    const key = cacheKey(name);
    this.#entries.delete(key);
    const pending = this.#pending.get(key);
    if (pending === undefined) return;
    pending.isOutrun = true;
    // Reads that are queued from here on come behind the write.
    this.#pending.delete(key);
  }

  /** Many entries go, nobody knows which. */
  flushQueued(): void {
    this.clear();
    for (const pending of this.#pending.values()) pending.isOutrun = true;
    this.#pending.clear();
  }

  /** To be handed to `readAnswered` with the answer. */
  readQueued(name: EntryName): PendingReads | undefined {
    if (this.#entries === undefined) return undefined;
    const key = cacheKey(name);
    const pending = this.#pending.get(key) ?? { count: 0, isOutrun: false };
    pending.count += 1;
    this.#pending.set(key, pending);
    return pending;
  }

  /** Call it for each read's answer, in the order of the shard's answers. */
  readAnswered(name: EntryName, pending: PendingReads | undefined, result: Result): void {
    if (this.#entries === undefined || pending === undefined) return;
    pending.count -= 1;
    if (pending.isOutrun) return;
    const key = cacheKey(name);
    if (pending.count === 0) this.#pending.delete(key);
    if (result.kind !== 'entry' || result.value === undefined) return;
    // A copy: the answer is a view on its whole batch, which must not live as long as the entry.
    const value = Buffer.from(new Uint8Array(result.value).buffer);
    this.#entries.set(key, { ...result, value });
  }

  /** For when what a shard holds may not be what it answered before. */
  clear(): void {
    this.#entries?.clear();
  }
}
