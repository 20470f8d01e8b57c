// Owns the hot entries in the main thread, bounded by bytes. The cache must be invisible to
// callers. A write drops its entry from the cache when the write is queued. A read's answer fills
// the cache only if no write for the key was queued behind that read. A flush outdates the entries
// of its namespace, and looks at none of them. Knows neither shards nor locks.
import { LRUCache } from 'lru-cache';
import { textOfName, type EntryName } from '../store/operation.ts';
import type { EntryResult, Result } from '../store/result.ts';

/** Bytes that an entry costs besides its key and value: result, buffer, links of the list. */
const entryOverheadBytes = 440;
/** The cache begins again if reads are about more namespaces. */
const cachedNamespacesMax = 16_384;

/** The entries of a namespace since its last flush. */
interface CachedNamespace {
  isFlushed: boolean;
}

interface CachedEntry {
  readonly result: EntryResult;
  readonly namespace: CachedNamespace;
}

/** Reads of one key that wait for their answers, with no write queued between them. */
export interface PendingReads {
  count: number;
  /** True once a write is queued behind these reads: their answers are old by then. */
  isOutrun: boolean;
  /** The namespace when the reads were queued. */
  readonly namespace: CachedNamespace;
}

export class ReadCache {
  readonly #entries: LRUCache<string, CachedEntry> | undefined;
  /** Each namespace that was read since its last flush. */
  readonly #namespaces = new Map<string, CachedNamespace>();
  /**
   * The cache tracks pending reads, not writes. Few reads are pending, since the cache answers most
   * of them. Every write would pay for the upkeep of a map of writes.
   */
  readonly #pending = new Map<string, PendingReads>();
  #hits = 0;
  #misses = 0;

  /** @param bytesMax 0 turns the cache off */
  constructor(bytesMax: number) {
    if (bytesMax === 0) return;
    this.#entries = new LRUCache({
      maxSize: bytesMax,
      sizeCalculation: ({ result }, key) => result.size + key.length + entryOverheadBytes,
    });
  }

  get figures(): { hits: number; misses: number; entries: number; bytes: number } {
    const entries = this.#entries?.size ?? 0;
    const bytes = this.#entries?.calculatedSize ?? 0;
    return { hits: this.#hits, misses: this.#misses, entries, bytes };
  }

  /** @param now the present timestamp: an entry that has expired by then is missing */
  get(name: EntryName, now: number): EntryResult | undefined {
    if (this.#entries === undefined) return undefined;
    const cached = this.#entries.get(textOfName(name));
    if (cached === undefined || cached.namespace.isFlushed || isExpired(cached.result, now)) {
      this.#misses += 1;
      return undefined;
    }
    this.#hits += 1;
    return cached.result;
  }

  writeQueued(name: EntryName): void {
    if (this.#entries === undefined) return;
    const key = textOfName(name);
    this.#entries.delete(key);
    const pending = this.#pending.get(key);
    if (pending === undefined) return;
    pending.isOutrun = true;
    // Reads that are queued from now on come behind the write.
    this.#pending.delete(key);
  }

  /** Outdates all entries of the namespace, and all reads of it that were queued so far. */
  flushQueued(name: string): void {
    const namespace = this.#namespaces.get(name);
    if (namespace === undefined) return;
    namespace.isFlushed = true;
    this.#namespaces.delete(name);
  }

  /** @returns the value to hand to `readAnswered` with the read's answer */
  readQueued(name: EntryName): PendingReads | undefined {
    if (this.#entries === undefined) return undefined;
    const key = textOfName(name);
    const namespace = this.#namespaceOf(name.namespace);
    const known = this.#pending.get(key);
    const isKnown = known?.namespace === namespace;
    const pending = isKnown ? known : { count: 0, isOutrun: false, namespace };
    pending.count += 1;
    this.#pending.set(key, pending);
    return pending;
  }

  /** The caller calls this for each read's answer, in the order of the shard's answers. */
  readAnswered(name: EntryName, pending: PendingReads | undefined, result: Result): void {
    if (this.#entries === undefined || pending === undefined) return;
    pending.count -= 1;
    if (pending.isOutrun) return;
    const key = textOfName(name);
    const { namespace } = pending;
    if (pending.count === 0 && this.#pending.get(key) === pending) this.#pending.delete(key);
    if (namespace.isFlushed || result.kind !== 'entry' || result.value === undefined) return;
    // A copy: the answer is a view of its whole batch, which must not live as long as the entry.
    const value = Buffer.from(new Uint8Array(result.value).buffer);
    this.#entries.set(key, { result: { ...result, value }, namespace });
  }

  /** The caller calls this if a shard may no longer hold the entries that it answered before. */
  clear(): void {
    this.#entries?.clear();
  }

  #namespaceOf(name: string): CachedNamespace {
    const present = this.#namespaces.get(name);
    if (present !== undefined) return present;
    if (this.#namespaces.size >= cachedNamespacesMax) this.#beginAgain();
    const namespace = { isFlushed: false };
    this.#namespaces.set(name, namespace);
    return namespace;
  }

  /** Outdates everything, so that the cache need not know the namespaces so far. */
  #beginAgain(): void {
    for (const namespace of this.#namespaces.values()) namespace.isFlushed = true;
    this.#namespaces.clear();
    this.clear();
  }
}

function isExpired({ expiresAt }: EntryResult, now: number): boolean {
  return expiresAt !== undefined && expiresAt <= now;
}
