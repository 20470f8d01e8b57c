// Finds entries by their hashes: a table of linear hashing in typed arrays, off V8's heap. It grows
// bucket by bucket, so that no growth makes a caller wait. A bucket is one cache line of eight
// slots. A full bucket gives up an entry for the next one, so that no lookup is long, whatever the
// hashes. Knows entries by their references, and asks their owner for more.

/** The reference of no entry. Any other signed integer of 32 bits may be one. */
export const noEntry = -1;

/** The entries, by reference. */
export interface IndexedEntries {
  /** Entries of one hash may differ in their names. */
  hasName: (reference: number, namespace: number, key: string) => boolean;
  /** A full bucket gives up an entry that was not read, if it has one. */
  wasRead: (reference: number) => boolean;
}

const slotsInBucket = 8;
/** A slot: the hash, and the complement of the reference, so that 0 is an empty slot. */
const wordsInSlot = 2;
const wordsInBucket = slotsInBucket * wordsInSlot;
export const bucketBytes = wordsInBucket * Int32Array.BYTES_PER_ELEMENT;

/**
 * The index begins to double with more entries for each bucket. It has doubled when they are five.
 * One new entry in 30 finds its bucket full at four, and one in a hundred at three.
 */
const entriesInBucketMost = 4;

export class HashIndex {
  readonly #entries: IndexedEntries;
  readonly #segmentBytes: number;
  readonly #bucketsInSegment: number;
  /** A bucket's number has that of its segment above so many bits. */
  readonly #segmentShift: number;
  readonly #segments: Int32Array[] = [];
  #buckets = 0;
  /** The largest power of two that is at most the number of buckets. */
  #low = 0;
  /** The slot that gave up an entry last, of a bucket whose entries were all read. */
  #turn = 0;

  /** @param segmentBytes a power of two: the index takes memory in pieces of this size */
  constructor(segmentBytes: number, entries: IndexedEntries) {
    this.#segmentBytes = segmentBytes;
    this.#bucketsInSegment = segmentBytes / bucketBytes;
    this.#segmentShift = Math.log2(this.#bucketsInSegment);
    this.#entries = entries;
  }

  /** Bytes of the buckets. */
  get bytes(): number {
    return this.#buckets * bucketBytes;
  }

  /** Bytes of memory that the index holds. */
  get bytesHeld(): number {
    return this.#segments.length * this.#segmentBytes;
  }

  /** True if the index should get a bucket before it gets another entry. */
  isCrowded(entries: number): boolean {
    return entries >= this.#low * entriesInBucketMost;
  }

  /** True if the next bucket takes another piece of memory. */
  get isFull(): boolean {
    return this.#buckets === this.#segments.length * this.#bucketsInSegment;
  }

  addBucket(): void {
    if (this.isFull) this.#segments.push(new Int32Array(this.#bucketsInSegment * wordsInBucket));
    const added = this.#buckets;
    this.#buckets += 1;
    if (this.#low > 0) this.#split(added - this.#low, added);
    if (this.#buckets === 2 * this.#low || this.#low === 0) this.#low = this.#buckets;
  }

  /** @returns the reference of the entry with this name and hash; or `noEntry` */
  find(hash: number, namespace: number, key: string): number {
    if (this.#buckets === 0) return noEntry;
    const bucket = this.#bucketOf(hash);
    const words = this.#wordsOf(bucket);
    const first = this.#firstWordOf(bucket);
    for (let at = first; at < first + wordsInBucket; at += wordsInSlot) {
      if (words[at] !== hash) continue;
      const reference = ~(words[at + 1] ?? 0);
      if (reference !== noEntry && this.#entries.hasName(reference, namespace, key))
        return reference;
    }
    return noEntry;
  }

  /**
   * Adds an entry that is not in the index. There must be a bucket.
   *
   * @returns the entry that has lost its slot; `noEntry` if a slot was free
   */
  add(hash: number, reference: number): number {
    const bucket = this.#bucketOf(hash);
    const words = this.#wordsOf(bucket);
    const first = this.#firstWordOf(bucket);
    let at = first;
    while (at < first + wordsInBucket && words[at + 1] !== 0) at += wordsInSlot;
    if (at === first + wordsInBucket) at = this.#leastUseful(words, first);
    const lost = ~(words[at + 1] ?? 0);
    words[at] = hash;
    words[at + 1] = ~reference;
    return lost;
  }

  /** Gives the entry another reference, or removes it. @returns false if it is not in the index */
  replace(hash: number, reference: number, next: number): boolean {
    if (this.#buckets === 0) return false;
    const bucket = this.#bucketOf(hash);
    const words = this.#wordsOf(bucket);
    const first = this.#firstWordOf(bucket);
    for (let at = first; at < first + wordsInBucket; at += wordsInSlot) {
      if (words[at + 1] !== ~reference) continue;
      words[at + 1] = ~next;
      return true;
    }
    return false;
  }

  /** @returns false if the entry is not in the index */
  remove(hash: number, reference: number): boolean {
    return this.replace(hash, reference, noEntry);
  }

  clear(): void {
    this.#segments.length = 0;
    this.#buckets = 0;
    this.#low = 0;
  }

  /** The place in a full bucket of an entry that was not read; or of any. */
  #leastUseful(words: Int32Array, first: number): number {
    let at = first;
    while (at < first + wordsInBucket && this.#entries.wasRead(~(words[at + 1] ?? 0))) {
      at += wordsInSlot;
    }
    if (at < first + wordsInBucket) return at;
    this.#turn = (this.#turn + 1) % slotsInBucket;
    return first + this.#turn * wordsInSlot;
  }

  /** Moves the entries of one bucket that belong into the new one, which is twice as far. */
  #split(from: number, to: number): void {
    const source = this.#wordsOf(from);
    const target = this.#wordsOf(to);
    let free = this.#firstWordOf(to);
    const first = this.#firstWordOf(from);
    for (let at = first; at < first + wordsInBucket; at += wordsInSlot) {
      const hash = source[at] ?? 0;
      if (source[at + 1] === 0 || (hash & (2 * this.#low - 1)) !== to) continue;
      target[free] = hash;
      target[free + 1] = source[at + 1] ?? 0;
      source[at + 1] = 0;
      free += wordsInSlot;
    }
  }

  /** A bucket that is not split yet has the entries of the one that it will give half to. */
  #bucketOf(hash: number): number {
    const bucket = hash & (2 * this.#low - 1);
    return bucket < this.#buckets ? bucket : bucket & (this.#low - 1);
  }

  #wordsOf(bucket: number): Int32Array {
    return this.#segments[bucket >>> this.#segmentShift] as Int32Array;
  }

  #firstWordOf(bucket: number): number {
    return (bucket & (this.#bucketsInSegment - 1)) * wordsInBucket;
  }
}
