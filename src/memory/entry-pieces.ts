// The memory of a shard's entries, in pieces that two threads share. The shard's thread writes
// (entry-memory.ts, entry-index.ts), and the main thread reads (shared-entries.ts). Owns the layout,
// and every way to read it. Knows no order of entries, no namespace by name, and no message.
//
// A reader in another thread may look at any moment. It finds the right entry or none, as long as no
// change of that entry is under way:
// - An entry is never changed where it stands. Its next value, or its copy at another place, is
//   written first, and then its place is stored with `Atomics`.
// - Memory that was given back is written again in a later batch at the earliest, and the reader
//   itself sends the batches.
// - The reader compares the name in each entry that the index gives with the name that it looks for.

/** An entry's number, for as long as its key lives. Numbers of deleted entries are used again. */
export type EntryNumber = number;

/** The number of no entry. */
export const noEntry = -1;

/** Views of one piece of memory that holds entries. */
export interface Segment {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly bytes: Buffer;
}

/** Entries begin at multiples of so many bytes. */
export const unitShift = 3;
/** A place: the number of a segment above so many bits, and the unit in it. */
export const placeShift = 16;
export const unitMask = (1 << placeShift) - 1;
export const segmentBytes = 1 << (placeShift + unitShift);

/*
 * An entry: its number, its namespace, the size of the value, and the length of the key with marks,
 * four bytes each; the version, and the deadline if there is one, eight bytes each; the key; the
 * value. A large value stands in parts: entries without a key, which no index has. Their numbers, four
 * bytes each, stand in its place. The kind of the value has bits 24 to 28 of the marks. All values are
 * byte strings today: kind 0.
 */
export const headerBytes = 24;
export const deadlineBytes = 8;
export const hasDeadlineMark = 1 << 30;
export const keyLengthMask = (1 << 24) - 1;

/** Larger values stand in parts, and only the shard's thread reads them. */
export const smallValueBytesMax = 64 * 1024;
/** A segment holds sixteen whole parts. */
export const partBytes = segmentBytes / 16 - headerBytes;
const partNumberBytes = Int32Array.BYTES_PER_ELEMENT;

/** Numbers of one chunk of places. */
export const placesShift = 14;
export const placesInChunk = 1 << placesShift;

/** A bucket of the index: seven slots, the number of the next bucket in its chain plus one, a gap. */
export const wordsInBucket = 16;
/** A slot: the hash, and the complement of the entry's number, so that 0 is an empty slot. */
export const wordsInSlot = 2;
export const slotWords = 14;
export const chainWord = slotWords;
export const bucketsShift = 10;
export const bucketsInChunk = 1 << bucketsShift;

/** Words of the head: the largest power of two that is at most the number of buckets; that number. */
export const headWords = { low: 0, buckets: 1 } as const;
export const headBytes = 2 * Int32Array.BYTES_PER_ELEMENT;

/** Words that two threads share. */
export function newWords(count: number): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT));
}

export function newSegment(memory: SharedArrayBuffer): Segment {
  return {
    words: new Int32Array(memory),
    doubles: new Float64Array(memory),
    bytes: Buffer.from(memory),
  };
}

/** The parts of a large value of so many bytes. */
export function partsOf(valueBytes: number): number {
  return Math.ceil(valueBytes / partBytes);
}

/** Bytes that stand in an entry for a value of so many bytes. */
export function storedBytes(valueBytes: number): number {
  return valueBytes > smallValueBytesMax ? partsOf(valueBytes) * partNumberBytes : valueBytes;
}

/**
 * Bytes of an entry in a segment.
 *
 * @param stored the bytes that stand in it for the value
 */
export function recordBytes(keyBytes: number, stored: number, hasDeadline: boolean): number {
  const deadline = hasDeadline ? deadlineBytes : 0;
  return (headerBytes + deadline + keyBytes + stored + (1 << unitShift) - 1) & -(1 << unitShift);
}

/** Missing pieces are those that a reader has not heard of yet. */
export class EntryPieces {
  head: Int32Array<SharedArrayBuffer>;
  readonly segments: (Segment | undefined)[] = [];
  /** By number: the entry's place; or the complement of the next free number, less one. */
  readonly places: Int32Array<SharedArrayBuffer>[] = [];
  readonly buckets: Int32Array<SharedArrayBuffer>[] = [];
  /** Buckets that are chained to others. */
  readonly chained: Int32Array<SharedArrayBuffer>[] = [];

  constructor(head: SharedArrayBuffer = new SharedArrayBuffer(headBytes)) {
    this.head = new Int32Array(head);
  }

  /** Numbers come in any order: without gaps, the array stays a fast one. */
  setSegment(number: number, segment: Segment): void {
    while (this.segments.length < number) this.segments.push(undefined);
    this.segments[number] = segment;
  }

  /** @returns the number of the entry with this name and hash; or `noEntry` */
  find(hash: number, namespace: number, key: string): EntryNumber {
    const low = this.head[headWords.low] as number;
    if (low === 0) return noEntry;
    let bucket = hash & (2 * low - 1);
    // A bucket that was not split yet has the entries of the one that it will give half to.
    if (bucket >= (this.head[headWords.buckets] as number)) bucket &= low - 1;
    let words = this.buckets[bucket >>> bucketsShift];
    let begin = (bucket & (bucketsInChunk - 1)) * wordsInBucket;
    while (words !== undefined) {
      for (let at = begin; at < begin + slotWords; at += wordsInSlot) {
        if (words[at] !== hash) continue;
        const number = ~(words[at + 1] as number);
        if (number !== noEntry && this.hasName(number, namespace, key)) return number;
      }
      const chained = (words[begin + chainWord] as number) - 1;
      if (chained < 0) return noEntry;
      words = this.chained[chained >>> bucketsShift];
      begin = (chained & (bucketsInChunk - 1)) * wordsInBucket;
    }
    return noEntry;
  }

  hasName(number: EntryNumber, namespace: number, key: string): boolean {
    const place = this.placeOf(number);
    const segment = this.segments[place >>> placeShift];
    if (segment === undefined) return false;
    const unit = place & unitMask;
    if (segment.words[2 * unit + 1] !== namespace) return false;
    const { length } = key;
    if (keyLengthAt(segment, unit) !== length) return false;
    const { bytes } = segment;
    const at = keyAt(segment, unit);
    for (let index = 0; index < length; index++) {
      if (bytes[at + index] !== key.charCodeAt(index)) return false;
    }
    return true;
  }

  /** @returns the entry's place; a negative number if a reader does not know the chunk yet */
  placeOf(number: EntryNumber): number {
    const chunk = this.places[number >>> placesShift];
    return chunk === undefined ? -1 : Atomics.load(chunk, number & (placesInChunk - 1));
  }
}

/** Bytes of the key. */
export function keyLengthAt({ words }: Segment, unit: number): number {
  return (words[2 * unit + 3] as number) & keyLengthMask;
}

/** The place of the key, in bytes from the segment's begin. */
export function keyAt({ words }: Segment, unit: number): number {
  const marks = words[2 * unit + 3] as number;
  const header = (marks & hasDeadlineMark) === 0 ? headerBytes : headerBytes + deadlineBytes;
  return (unit << unitShift) + header;
}

/** Whether the value stands in parts. */
export function isLargeAt(segment: Segment, unit: number): boolean {
  return sizeAt(segment, unit) > smallValueBytesMax;
}

/** Bytes of the value. */
export function sizeAt({ words }: Segment, unit: number): number {
  return words[2 * unit + 2] as number;
}

export function versionAt({ doubles }: Segment, unit: number): number {
  return doubles[unit + 2] as number;
}

/** Unix milliseconds; undefined if the entry never expires. */
export function expiryAt({ words, doubles }: Segment, unit: number): number | undefined {
  const marks = words[2 * unit + 3] as number;
  return (marks & hasDeadlineMark) === 0 ? undefined : doubles[unit + 3];
}

/** The place of a value, or of the numbers of its parts, in bytes from the segment's begin. */
export function valueAt(segment: Segment, unit: number): number {
  return keyAt(segment, unit) + keyLengthAt(segment, unit);
}

/** The number of a part of a large value, counted from 0. */
export function partAt(segment: Segment, unit: number, part: number): EntryNumber {
  return segment.bytes.readInt32LE(valueAt(segment, unit) + part * partNumberBytes);
}

/** Bytes of the entry in its segment. */
export function lengthAt(segment: Segment, unit: number): number {
  const marks = segment.words[2 * unit + 3] as number;
  const stored = storedBytes(sizeAt(segment, unit));
  return recordBytes(marks & keyLengthMask, stored, (marks & hasDeadlineMark) !== 0);
}
