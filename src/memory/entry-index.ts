// The writer's end of the index that finds entries by their hashes: linear hashing (Litwin, VLDB 1980).
// The index grows and shrinks bucket by bucket, so that no change waits for many others. A bucket is
// one cache line. Entries that do not fit into it stand in buckets that are chained to it. Knows
// entries by their numbers alone. entry-pieces.ts has the layout, and finds.
import { assert } from '../base/assert.ts';
import {
  bucketsInChunk,
  bucketsShift,
  chainWord,
  headWords,
  newWords,
  noEntry,
  slotWords,
  wordsInBucket,
  wordsInSlot,
  type EntryNumber,
  type EntryPieces,
} from './entry-pieces.ts';
import type { NewsOfMemory } from './memory-news.ts';
import { SparePieces } from './spare-pieces.ts';

const bucketBytes = wordsInBucket * Int32Array.BYTES_PER_ELEMENT;

/** The index begins to double with more entries for each bucket. It has doubled when they are five. */
const entriesInBucketMost = 4;
/** With fewer entries for each bucket the index shrinks. */
const entriesInBucketLeast = 2;

/** The memory that one entry takes in the index, at most, in bytes. */
export const indexEntryBytes = bucketBytes / entriesInBucketLeast;

/** A list of buckets that grows at its end. */
class Buckets {
  readonly #kind: 'buckets' | 'chained';
  readonly #chunks: Int32Array<SharedArrayBuffer>[];
  readonly #spare: SparePieces<Int32Array<SharedArrayBuffer>>;
  readonly #news: NewsOfMemory;
  #length = 0;

  constructor(
    kind: 'buckets' | 'chained',
    pieces: EntryPieces,
    spare: SparePieces<Int32Array<SharedArrayBuffer>>,
    news: NewsOfMemory,
  ) {
    this.#kind = kind;
    this.#chunks = pieces[kind];
    this.#spare = spare;
    this.#news = news;
  }

  get length(): number {
    return this.#length;
  }

  wordsOf(bucket: number): Int32Array {
    return this.#chunks[bucket >>> bucketsShift] as Int32Array;
  }

  beginOf(bucket: number): number {
    return (bucket & (bucketsInChunk - 1)) * wordsInBucket;
  }

  /** @returns the number of a new, empty bucket: the length before */
  push(): number {
    const bucket = this.#length++;
    const index = bucket >>> bucketsShift;
    if (index === this.#chunks.length) {
      const chunk = this.#spare.take()?.fill(0) ?? newWords(bucketsInChunk * wordsInBucket);
      this.#chunks.push(chunk);
      this.#news.piece(this.#kind, index, chunk.buffer);
    }
    return bucket;
  }

  /** Drops the last bucket, which must be empty. */
  pop(): void {
    this.#length -= 1;
    if ((this.#length & (bucketsInChunk - 1)) !== 0) return;
    this.#giveLastBack();
    this.#news.piece(this.#kind, this.#chunks.length, undefined);
  }

  clear(): void {
    while (this.#chunks.length > 0) this.#giveLastBack();
    this.#length = 0;
  }

  #giveLastBack(): void {
    const chunk = this.#chunks.pop();
    if (chunk !== undefined) this.#spare.giveBack(chunk);
  }
}

export class EntryIndex {
  readonly #pieces: EntryPieces;
  readonly #spare = new SparePieces<Int32Array<SharedArrayBuffer>>();
  readonly #buckets: Buckets;
  readonly #chained: Buckets;
  /** Chained buckets that no bucket uses. */
  readonly #freeChained: number[] = [];
  /** The largest power of two that is at most the number of buckets. */
  #low = 0;
  #entries = 0;
  /** Entries on their way between buckets: a hash and a number each. */
  readonly #taken: number[] = [];

  /** @param news the index tells of its pieces here */
  constructor(pieces: EntryPieces, news: NewsOfMemory) {
    this.#pieces = pieces;
    this.#buckets = new Buckets('buckets', pieces, this.#spare, news);
    this.#chained = new Buckets('chained', pieces, this.#spare, news);
  }

  /** Bytes of all buckets. */
  get bytes(): number {
    return (this.#buckets.length + this.#chained.length) * bucketBytes;
  }

  /** Adds an entry that is not in the index. */
  add(hash: number, number: EntryNumber): void {
    if (this.#entries >= this.#low * entriesInBucketMost) this.#grow();
    this.#entries += 1;
    this.#put(this.#bucketOf(hash), hash, number);
  }

  /** Removes an entry that is in the index. */
  remove(hash: number, number: EntryNumber): void {
    const bucket = this.#bucketOf(hash);
    let words = this.#buckets.wordsOf(bucket);
    let begin = this.#buckets.beginOf(bucket);
    for (;;) {
      for (let at = begin; at < begin + slotWords; at += wordsInSlot) {
        if (words[at + 1] !== ~number) continue;
        words[at + 1] = 0;
        this.#entries -= 1;
        if (this.#entries < this.#buckets.length * entriesInBucketLeast) this.#shrink();
        return;
      }
      const chained = (words[begin + chainWord] as number) - 1;
      assert(chained >= 0, 'an index removes what it holds');
      words = this.#chained.wordsOf(chained);
      begin = this.#chained.beginOf(chained);
    }
  }

  /** See `SparePieces`. */
  reuseReleased(): void {
    this.#spare.reuseReleased();
  }

  /** Forgets all entries, and keeps their memory for others. The caller tells of it. */
  clear(): void {
    this.#buckets.clear();
    this.#chained.clear();
    this.#freeChained.length = 0;
    this.#low = 0;
    this.#entries = 0;
  }

  #put(bucket: number, hash: number, number: EntryNumber): void {
    let words = this.#buckets.wordsOf(bucket);
    let begin = this.#buckets.beginOf(bucket);
    for (;;) {
      for (let at = begin; at < begin + slotWords; at += wordsInSlot) {
        if (words[at + 1] !== 0) continue;
        words[at] = hash;
        words[at + 1] = ~number;
        return;
      }
      let chained = (words[begin + chainWord] as number) - 1;
      if (chained < 0) {
        chained = this.#freeChained.pop() ?? this.#chained.push();
        words[begin + chainWord] = chained + 1;
      }
      words = this.#chained.wordsOf(chained);
      begin = this.#chained.beginOf(chained);
    }
  }

  /** Adds a bucket, which takes its entries out of one that has twice as many as it should. */
  #grow(): void {
    const added = this.#buckets.push();
    if (this.#low > 0) this.#takeAll(added - this.#low);
    if (this.#buckets.length === 2 * this.#low || this.#low === 0) this.#low = this.#buckets.length;
    this.#tellLength();
    this.#putTaken();
  }

  /** Drops the last bucket. Its entries go back to where they would be without it. */
  #shrink(): void {
    const last = this.#buckets.length - 1;
    if (last === 0) return;
    if (this.#buckets.length === this.#low) this.#low /= 2;
    this.#takeAll(last);
    this.#buckets.pop();
    this.#tellLength();
    this.#putTaken();
  }

  /** A reader that sees only one of the two numbers looks into a wrong bucket, and finds nothing. */
  #tellLength(): void {
    this.#pieces.head[headWords.low] = this.#low;
    this.#pieces.head[headWords.buckets] = this.#buckets.length;
  }

  /** Puts what was taken into the buckets where it belongs now. */
  #putTaken(): void {
    for (let at = 0; at < this.#taken.length; at += wordsInSlot) {
      const hash = this.#taken[at] as number;
      this.#put(this.#bucketOf(hash), hash, this.#taken[at + 1] as EntryNumber);
    }
    this.#taken.length = 0;
  }

  /** Takes all entries out of a bucket and those that are chained to it. */
  #takeAll(bucket: number): void {
    let words = this.#buckets.wordsOf(bucket);
    let begin = this.#buckets.beginOf(bucket);
    for (;;) {
      for (let at = begin; at < begin + slotWords; at += wordsInSlot) {
        const number = ~(words[at + 1] as number);
        if (number === noEntry) continue;
        words[at + 1] = 0;
        this.#taken.push(words[at] as number, number);
      }
      const chained = (words[begin + chainWord] as number) - 1;
      words[begin + chainWord] = 0;
      if (chained < 0) return;
      this.#freeChained.push(chained);
      words = this.#chained.wordsOf(chained);
      begin = this.#chained.beginOf(chained);
    }
  }

  /** A bucket that was not split yet has the entries of the one that it will give half to. */
  #bucketOf(hash: number): number {
    const bucket = hash & (2 * this.#low - 1);
    return bucket < this.#buckets.length ? bucket : bucket & (this.#low - 1);
  }
}
