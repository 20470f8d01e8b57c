// Owns the memory of the read cache, off V8's heap and bounded by bytes. Entries stand in segments
// that form a ring. A hand goes around it: it makes room for new entries by dropping old ones, and
// gives those that were read since its last pass another round. So a scan does not push out what is
// read often. Memory is taken as it is needed. Knows no namespace by name, no time and no queue: the
// caller says which entries are right.
import { byteStringOfBytes } from '../../base/byte-string.ts';
import type { EntryResult } from '../../store/result.ts';
import { entryBytes, EntrySegment, unitBytes } from './entry-segment.ts';
import { HashIndex, noEntry } from './hash-index.ts';
import { largeBytes, LargeValues } from './large-values.ts';

/** A reference: the number of the segment, and the place in units of 16 bytes below it. */
const placeBits = 16;
const placeMask = (1 << placeBits) - 1;

const segmentBytesMost = unitBytes << placeBits;
const segmentBytesLeast = 256;
/** Small caches have small segments, or the end of each would waste much of them. */
const segmentsLeast = 16;

/** A reader gets a copy of a small entry's value. Larger ones cost less if readers share them. */
const smallBytesMost = 16 * 1024;
/** Of all bytes: so large values and small ones cannot push each other out altogether. */
const largeShare = 1 / 2;

/** Entries that get another round while one place is made: so a put takes a bounded time. */
const roundsMax = 32;

function segmentBytesFor(bytesMax: number): number {
  const bytes = 2 ** Math.floor(Math.log2(bytesMax / segmentsLeast));
  return Math.min(Math.max(bytes, segmentBytesLeast), segmentBytesMost);
}

/** Below this, there is no room for a segment of entries and one of the index. */
export const arenaBytesLeast = 2 * segmentBytesLeast;

export class EntryArena {
  readonly #bytesMax: number;
  readonly #segmentBytes: number;
  readonly #smallBytesMax: number;
  readonly #index: HashIndex;
  readonly #large = new LargeValues();
  /** By number; undefined if the number is free. */
  readonly #segments: (EntrySegment | undefined)[] = [];
  readonly #freeNumbers: number[] = [];
  /** In the order of the hand. */
  readonly #ring: EntrySegment[] = [];
  /** The place in the ring of the segment that is written to. */
  #current = 0;
  /** Entries of this round end here in the current segment. */
  #writeAt = 0;
  /** Entries of the last round stand from here on, up to the current segment's end. */
  #hand = 0;
  #entries = 0;
  #bytes = 0;

  /** @param bytesMax at least `arenaBytesLeast` */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#segmentBytes = segmentBytesFor(bytesMax);
    this.#smallBytesMax = Math.min(smallBytesMost, this.#segmentBytes / 2);
    this.#index = new HashIndex(this.#segmentBytes, {
      hasName: (reference, namespace, key) =>
        this.#segmentOf(reference).hasName(placeOf(reference), namespace, key),
      wasRead: (reference) => this.#segmentOf(reference).wasReadAt(placeOf(reference)),
    });
  }

  get entries(): number {
    return this.#entries;
  }

  /** Bytes of memory that the entries and their index take. */
  get bytes(): number {
    return this.#bytes + this.#large.bytes + this.#index.bytes;
  }

  /** Bytes of memory that the arena holds, of entries or not. Never more than `bytesMax`. */
  get bytesHeld(): number {
    return this.#ring.length * this.#segmentBytes + this.#index.bytesHeld + this.#large.bytes;
  }

  /** @returns a reference, valid until the next call of `put`, `remove` or `clear`; or `noEntry` */
  find(hash: number, namespace: number, key: string): number {
    return this.#index.find(hash, namespace, key);
  }

  /** Unix milliseconds; Infinity if the entry does not expire. */
  expiryOf(reference: number): number {
    return this.#segmentOf(reference).expiryAt(placeOf(reference));
  }

  /** Notes that the entry was read. */
  touch(reference: number): void {
    const segment = this.#segmentOf(reference);
    const place = placeOf(reference);
    if (!segment.wasReadAt(place)) segment.setReadAt(place, true);
  }

  /** The entry without its value. */
  headOf(reference: number): EntryResult {
    return this.#resultOf(reference, undefined);
  }

  /** The entry with its value, which does not change if the arena does. */
  resultOf(reference: number): EntryResult {
    const value = this.#large.get(reference);
    if (value !== undefined) return this.#resultOf(reference, value);
    return this.#resultOf(reference, this.#segmentOf(reference).valueAt(placeOf(reference)));
  }

  /** The entry's value as a byte string. */
  textOf(reference: number): string {
    const value = this.#large.get(reference);
    if (value !== undefined) return byteStringOfBytes(value);
    return this.#segmentOf(reference).textAt(placeOf(reference));
  }

  /** Takes in an entry that is not in the arena. An entry that is too large is left out. */
  put(hash: number, namespace: number, key: string, result: EntryResult, value: Uint8Array): void {
    const isLarge = entryBytes(key.length, value.length) > this.#smallBytesMax;
    const bytes = entryBytes(key.length, isLarge ? 0 : value.length);
    if (bytes > this.#smallBytesMax) return;
    if (this.#ring.length === 0) this.#addSegment();
    this.#growIndex();
    const place = this.#makePlace(bytes);
    // Behind the place, which may have taken a segment. The current segment stays.
    if (isLarge && !this.#makeRoomForLarge(largeBytes(value.length))) return;
    const segment = this.#currentSegment;
    const reference = referenceOf(segment, place);
    segment.write(place, { hash, namespace, key, result, value: isLarge ? undefined : value });
    this.#writeAt = place + bytes;
    this.#entries += 1;
    this.#bytes += bytes;
    if (isLarge) this.#large.add(reference, value);
    const lost = this.#index.add(hash, reference);
    if (lost !== noEntry) this.#forget(lost);
  }

  /** Removes an entry that is in the arena. */
  remove(reference: number): void {
    this.#index.remove(this.#segmentOf(reference).hashAt(placeOf(reference)), reference);
    this.#forget(reference);
  }

  /** Drops all entries, and gives all memory back. */
  clear(): void {
    this.#index.clear();
    this.#large.clear();
    this.#segments.length = 0;
    this.#freeNumbers.length = 0;
    this.#ring.length = 0;
    this.#current = 0;
    this.#writeAt = 0;
    this.#hand = 0;
    this.#entries = 0;
    this.#bytes = 0;
  }

  #segmentOf(reference: number): EntrySegment {
    return this.#segments[reference >>> placeBits] as EntrySegment;
  }

  get #currentSegment(): EntrySegment {
    return this.#ring[this.#current] as EntrySegment;
  }

  #resultOf(reference: number, value: Buffer | undefined): EntryResult {
    const segment = this.#segmentOf(reference);
    const place = placeOf(reference);
    const expiry = segment.expiryAt(place);
    return {
      kind: 'entry',
      version: segment.versionAt(place),
      expiresAt: expiry === Infinity ? undefined : expiry,
      size: segment.sizeAt(place),
      value,
    };
  }

  /** Counts an entry as gone that is not in the index any more. Its place waits for the hand. */
  #forget(reference: number): void {
    const segment = this.#segmentOf(reference);
    const place = placeOf(reference);
    this.#entries -= 1;
    this.#bytes -= segment.lengthAt(place);
    if (segment.isLargeAt(place)) this.#large.remove(reference);
  }

  /** True if the arena may hold so many more bytes. */
  #hasRoom(bytes: number): boolean {
    return this.bytesHeld + bytes <= this.#bytesMax;
  }

  /** Finds a place for an entry of so many bytes in the current segment. */
  #makePlace(bytes: number): number {
    let rounds = roundsMax;
    for (;;) {
      const segment = this.#currentSegment;
      const isAtEnd = this.#hand >= segment.end;
      const free = (isAtEnd ? this.#segmentBytes : this.#hand) - this.#writeAt;
      if (free >= bytes) return this.#writeAt;
      if (isAtEnd) this.#goOn();
      else if (this.#passEntry(segment, rounds > 0)) rounds -= 1;
    }
  }

  /**
   * Moves the hand over one entry, which is dropped or gets another round.
   *
   * @returns true if it gets another round
   */
  #passEntry(segment: EntrySegment, mayStay: boolean): boolean {
    const place = this.#hand;
    const bytes = segment.lengthAt(place);
    const reference = referenceOf(segment, place);
    this.#hand = place + bytes;
    if (!mayStay || !segment.wasReadAt(place)) {
      this.#drop(segment, place);
      return false;
    }
    const next = referenceOf(segment, this.#writeAt);
    if (!this.#index.replace(segment.hashAt(place), reference, next)) return false;
    if (segment.isLargeAt(place)) this.#large.move(reference, next);
    segment.setReadAt(place, false);
    segment.move(place, this.#writeAt);
    this.#writeAt += bytes;
    return true;
  }

  /** Drops the entry at this place if it is still one. */
  #drop(segment: EntrySegment, place: number): void {
    const reference = referenceOf(segment, place);
    if (this.#index.remove(segment.hashAt(place), reference)) this.#forget(reference);
  }

  /** Goes on with the next segment: a new one if there is room for it, or the oldest. */
  #goOn(): void {
    this.#currentSegment.end = this.#writeAt;
    if (this.#hasRoom(this.#segmentBytes)) this.#addSegment();
    this.#current = (this.#current + 1) % this.#ring.length;
    this.#writeAt = 0;
    this.#hand = 0;
  }

  /** Adds an empty segment behind the current one. */
  #addSegment(): void {
    const number = this.#freeNumbers.pop() ?? this.#segments.length;
    const segment = new EntrySegment(number, this.#segmentBytes);
    this.#segments[number] = segment;
    this.#ring.splice(this.#current + 1, 0, segment);
  }

  /**
   * Gives the memory of the oldest segment back, with its entries.
   *
   * @returns false if there is none besides the current one
   */
  #releaseSegment(): boolean {
    if (this.#ring.length <= 1) return false;
    const at = (this.#current + 1) % this.#ring.length;
    const segment = this.#ring[at] as EntrySegment;
    for (let place = 0; place < segment.end; place += segment.lengthAt(place)) {
      this.#drop(segment, place);
    }
    this.#ring.splice(at, 1);
    if (at < this.#current) this.#current -= 1;
    this.#segments[segment.number] = undefined;
    this.#freeNumbers.push(segment.number);
    return true;
  }

  /** Gives the index its next bucket if it needs one and there is memory for it. */
  #growIndex(): void {
    if (!this.#index.isCrowded(this.#entries)) return;
    if (this.#index.isFull && !this.#hasRoom(this.#segmentBytes) && !this.#releaseSegment()) return;
    this.#index.addBucket();
  }

  /** @returns false if the arena is too small for a value of so many bytes */
  #makeRoomForLarge(bytes: number): boolean {
    const bytesMax = this.#bytesMax * largeShare;
    if (bytes > bytesMax) return false;
    while (this.#large.bytes + bytes > bytesMax) this.#passLarge();
    while (!this.#hasRoom(bytes) && this.#releaseSegment());
    return this.#hasRoom(bytes);
  }

  /** Drops the oldest large value, unless it was read: then it becomes the youngest. */
  #passLarge(): void {
    const reference = this.#large.oldest;
    if (reference === undefined) return;
    const segment = this.#segmentOf(reference);
    const place = placeOf(reference);
    if (!segment.wasReadAt(place)) {
      this.#drop(segment, place);
      return;
    }
    segment.setReadAt(place, false);
    this.#large.move(reference, reference);
  }
}

function referenceOf({ number }: EntrySegment, place: number): number {
  return (number << placeBits) | (place / unitBytes);
}

/** In bytes from the segment's begin. */
function placeOf(reference: number): number {
  return (reference & placeMask) * unitBytes;
}
