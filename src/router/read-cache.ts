// Hot entries in the main thread, bounded by bytes. It must be invisible: an entry is dropped when
// a write for it is queued, and filled from a read's answer only while no write for it waits.
import { LRUCache } from 'lru-cache';
import type { EntryName } from '../store/operation.ts';
import type { EntryResult } from '../store/result.ts';

/** What an entry costs beside its key and value: the result, the buffer, the list's own links. */
const entryOverheadBytes = 400;

function cacheKey({ namespace, key }: EntryName): string {
  return `${namespace}\0${key}`;
}

export class ReadCache {
  readonly #entries: LRUCache<string, EntryResult> | undefined;
  /** How many writes for a key are queued or under way. */
  readonly #writes = new Map<string, number>();
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
    const key = cacheKey(name);
    const entry = this.#entries.get(key);
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
    this.#writes.set(key, (this.#writes.get(key) ?? 0) + 1);
  }

  writeAnswered(name: EntryName): void {
    if (this.#entries === undefined) return;
    const key = cacheKey(name);
    const left = (this.#writes.get(key) ?? 1) - 1;
    if (left === 0) this.#writes.delete(key);
    else this.#writes.set(key, left);
  }

  /** Call it for each read's answer, in the order of the shard's answers. */
  readAnswered(name: EntryName, result: EntryResult): void {
    if (this.#entries === undefined || result.value === undefined) return;
    const key = cacheKey(name);
    if (this.#writes.has(key)) return;
    // A copy: the answer is a view on its whole batch, which must not live as long as the entry.
    const value = Buffer.from(new Uint8Array(result.value).buffer);
    this.#entries.set(key, { ...result, value });
  }

  /** For when what a shard holds may not be what it answered before. */
  clear(): void {
    this.#entries?.clear();
  }
}
