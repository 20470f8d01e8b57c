// Owns the rules of the cache of hot entries in the main thread. The cache must be invisible to
// callers. A write drops its entry from the cache when the write is queued. A read's answer fills
// the cache only if no write for the key was queued behind that read. A flush outdates the entries
// of its namespace, and looks at none of them. Knows neither shards nor locks, and not how entries
// are kept: src/router/cache does that.
import type { EntryName } from '../store/operation.ts';
import type { EntryResult, Result } from '../store/result.ts';
import { arenaBytesLeast, EntryArena } from './cache/entry-arena.ts';
import { newEntryHash, randomHashKey, type EntryHash } from '../base/entry-hash.ts';
import { noEntry } from './cache/hash-index.ts';

/** The cache begins again if reads are about more namespaces. */
const cachedNamespacesMax = 16_384;
/** The cache begins again behind so many numbers: each flush gives a namespace another one. */
const namespaceNumbersMax = 2 ** 20;

const writeSlotsMost = 65_536;
const writeSlotsLeast = 64;
/** Bytes of the cache for each slot of writes, which takes eight of them. */
const bytesForWriteSlot = 1024;

function writeSlotsFor(bytesMax: number): number {
  const slots = 2 ** Math.floor(Math.log2(bytesMax / bytesForWriteSlot));
  return Math.min(Math.max(slots, writeSlotsLeast), writeSlotsMost);
}

/** Less memory holds nothing: then the cache is off. */
const cacheBytesLeast = writeSlotsLeast * Float64Array.BYTES_PER_ELEMENT + arenaBytesLeast;

/** A namespace since its last flush. */
interface CachedNamespace {
  /** Entries of it have this number, and no entry of any other namespace has it. */
  readonly number: number;
  /** The moment when the cache came to know it. */
  readonly since: number;
}

/**
 * A place in the order of everything that was queued. Writes and flushes begin a next moment, and
 * reads do not. Each entry has a slot with the moment of its last write, which it shares with others:
 * a write of another one may keep an answer out, and nothing worse. So reads that are under way need
 * no list, and a write costs one store.
 */
export type Moment = number;

export class ReadCache {
  /** Undefined if the cache is off. */
  readonly #entries: EntryArena | undefined;
  readonly #hashOf: EntryHash;
  /** Each namespace that was read since its last flush. */
  readonly #namespaces = new Map<string, CachedNamespace>();
  #namespaceNumbers = 0;
  #now: Moment = 0;
  /** The moment of the last write, by the lowest bits of the hash. */
  readonly #lastWrites: Float64Array;
  #hits = 0;
  #misses = 0;

  /** @param bytesMax 0 turns the cache off */
  constructor(bytesMax: number, hashOf: EntryHash = newEntryHash(randomHashKey())) {
    const isOn = bytesMax >= cacheBytesLeast;
    this.#hashOf = hashOf;
    this.#lastWrites = new Float64Array(isOn ? writeSlotsFor(bytesMax) : 0);
    if (isOn) this.#entries = new EntryArena(bytesMax - this.#lastWrites.byteLength);
  }

  get figures(): { hits: number; misses: number; entries: number; bytes: number } {
    const { entries = 0, bytes = 0 } = this.#entries ?? {};
    return { hits: this.#hits, misses: this.#misses, entries, bytes };
  }

  /** @param now the present timestamp: an entry that has expired by then is missing */
  get(name: EntryName, now: number): EntryResult | undefined {
    const reference = this.#find(name, now);
    return reference === noEntry ? undefined : this.#entries?.resultOf(reference);
  }

  /** Like `get`, without the value. */
  head(name: EntryName, now: number): EntryResult | undefined {
    const reference = this.#find(name, now);
    return reference === noEntry ? undefined : this.#entries?.headOf(reference);
  }

  /** Like `get`, but gives the value alone, as a byte string. */
  getText(name: EntryName, now: number): string | undefined {
    const reference = this.#find(name, now);
    return reference === noEntry ? undefined : this.#entries?.textOf(reference);
  }

  writeQueued(name: EntryName): void {
    const number = this.#namespaces.get(name.namespace)?.number;
    // No read of the namespace is under way that could fill the cache.
    if (number === undefined || this.#entries === undefined) return;
    const hash = this.#hashOf(number, name.key);
    // Reads that are queued from now on come behind the write.
    this.#now += 1;
    this.#lastWrites[this.#writeSlotOf(hash)] = this.#now;
    const reference = this.#entries.find(hash, number, name.key);
    if (reference !== noEntry) this.#entries.remove(reference);
  }

  /** Outdates all entries of the namespace, and all reads of it that were queued so far. */
  flushQueued(name: string): void {
    // The namespace gets another number when it is read again. So its entries are not found.
    this.#namespaces.delete(name);
  }

  /** @returns the value to hand to `readAnswered` with the read's answer */
  readQueued(name: EntryName): Moment | undefined {
    if (this.#entries === undefined) return undefined;
    if (!this.#namespaces.has(name.namespace)) this.#addNamespace(name.namespace);
    return this.#now;
  }

  /** The caller calls this for each read's answer, in the order of the shard's answers. */
  readAnswered(name: EntryName, queuedAt: Moment | undefined, result: Result): void {
    if (this.#entries === undefined || queuedAt === undefined) return;
    if (result.kind !== 'entry' || result.value === undefined) return;
    const namespace = this.#namespaces.get(name.namespace);
    if (namespace === undefined || namespace.since > queuedAt) return;
    const hash = this.#hashOf(namespace.number, name.key);
    if (this.#wasWrittenSince(queuedAt, hash)) return;
    const present = this.#entries.find(hash, namespace.number, name.key);
    // Another read has brought the same answer, since a write would have dropped the entry.
    if (present !== noEntry) return;
    this.#entries.put(hash, namespace.number, name.key, result, result.value);
  }

  /** The caller calls this if a shard may no longer hold the entries that it answered before. */
  clear(): void {
    // Without the namespaces, reads that are under way do not fill the cache.
    this.#namespaces.clear();
    this.#namespaceNumbers = 0;
    this.#entries?.clear();
  }

  #find({ namespace, key }: EntryName, now: number): number {
    const entries = this.#entries;
    if (entries === undefined) return noEntry;
    const number = this.#namespaces.get(namespace)?.number;
    if (number !== undefined) {
      const reference = entries.find(this.#hashOf(number, key), number, key);
      if (reference !== noEntry && entries.expiryOf(reference) > now) {
        this.#hits += 1;
        entries.touch(reference);
        return reference;
      }
    }
    this.#misses += 1;
    return noEntry;
  }

  #wasWrittenSince(queuedAt: Moment, hash: number): boolean {
    return (this.#lastWrites[this.#writeSlotOf(hash)] ?? 0) > queuedAt;
  }

  #writeSlotOf(hash: number): number {
    return hash & (this.#lastWrites.length - 1);
  }

  #addNamespace(name: string): void {
    const areTooMany =
      this.#namespaces.size >= cachedNamespacesMax || this.#namespaceNumbers >= namespaceNumbersMax;
    if (areTooMany) this.clear();
    this.#now += 1;
    this.#namespaces.set(name, { number: this.#namespaceNumbers, since: this.#now });
    this.#namespaceNumbers += 1;
  }
}
