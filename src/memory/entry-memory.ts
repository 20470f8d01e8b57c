// Owns the memory of a shard's entries as its thread writes it, off V8's heap: a log of segments
// (Rosenblum and Ousterhout, "The Design and Implementation of a Log-Structured File System", 1992). A
// changed entry is written at the log's end, and its old place stays as it was until the caller frees
// it. A cleaner moves the live entries out of segments that hold few, so dead ones take a bounded
// share. Knows no order, no hash, no name of a namespace, and not why a caller keeps an old place.
// entry-pieces.ts has the layout.
import { assert } from '../base/assert.ts';
import { byteStringOfBytes } from '../base/byte-string.ts';
import {
  deadlineBytes,
  expiryAt,
  hasDeadlineMark,
  headerBytes,
  isLargeAt,
  isLargeMark,
  keyAt,
  keyLengthAt,
  lengthAt,
  newSegment,
  placesInChunk,
  placeShift,
  placesShift,
  recordBytes,
  segmentBytes,
  sizeAt,
  unitMask,
  unitShift,
  valueAt,
  versionAt,
  type EntryNumber,
  type EntryPieces,
  type Segment,
} from './entry-pieces.ts';
import type { NewsOfMemory } from './memory-news.ts';

const segmentsMax = 2 ** (31 - placeShift);

/** The most that entries may take, in bytes: places have no numbers for more, less some to clean with. */
export const entryMemoryBytesMax = (segmentsMax * segmentBytes * 15) / 16;

/** Larger values stand in buffers of their own. */
export const smallValueBytesMax = 64 * 1024;
/** A buffer without its bytes, at most. */
const bufferBytes = 256;

/** Dead entries take at most so much of the memory of live ones, and some segments. */
const deadShare = 1 / 3;
/** The cleaner reads so many bytes for each byte that was freed, while dead ones take too much. */
const cleaningFactor = 6;

const placeBytes = Int32Array.BYTES_PER_ELEMENT;
const noNumber = -1;

/** Below this length, copying characters in JavaScript is faster than a call into the runtime. */
const shortString = 24;

/** A segment as its writer knows it. */
interface OwnSegment extends Segment {
  readonly memory: SharedArrayBuffer;
  /** Another one whenever the memory is used again. */
  number: number;
  /** End of the entries, in bytes from the begin. */
  end: number;
  /** Bytes of live entries. */
  live: number;
}

/** The memory of one entry, with the share of dead ones that goes with it, at most, in bytes. */
export function entryMemoryBytes(
  keyLength: number,
  valueLength: number,
  expiresAt: number | undefined,
): number {
  const isLarge = valueLength > smallValueBytesMax;
  const record = recordBytes(keyLength, isLarge ? 0 : valueLength, expiresAt !== undefined);
  const own = isLarge ? valueLength + bufferBytes : 0;
  return record + Math.ceil(record * deadShare) + own + placeBytes;
}

function writeText(bytes: Buffer, at: number, text: string): void {
  const { length } = text;
  if (length > shortString) bytes.write(text, at, length, 'latin1');
  else for (let index = 0; index < length; index++) bytes[at + index] = text.charCodeAt(index);
}

export class EntryMemory {
  readonly #pieces: EntryPieces;
  readonly #news: NewsOfMemory;
  /** Those of the pieces, and undefined for numbers that are free. */
  readonly #segments: (OwnSegment | undefined)[] = [];
  readonly #freeSegments: number[] = [];
  /** Given back in this batch: a reader may look into them until it sends another one. */
  readonly #released: OwnSegment[] = [];
  /** Kept for the next segment, so that memory is not given back and taken again all the time. */
  #spare: OwnSegment | undefined;
  /** The segment that is written to. */
  #current: OwnSegment | undefined;
  /** The segment that the cleaner empties, and how far it has come. */
  #cleaned: OwnSegment | undefined;
  #cleanedTo = 0;
  /** Bytes of live entries in segments. */
  #live = 0;
  /** Bytes of segments up to their ends, or whole if nothing is written to them any more. */
  #used = 0;
  /** Large values, by the places of their entries. */
  readonly #large = new Map<number, Buffer>();
  /** Bytes that were freed since the cleaner ran. */
  #freed = 0;
  #numbers = 0;
  #firstFree = noNumber;
  #freeNumbers = 0;

  /** @param news the memory tells of its pieces here */
  constructor(pieces: EntryPieces, news: NewsOfMemory) {
    this.#pieces = pieces;
    this.#news = news;
  }

  /** Memory of numbers that no entry has, in bytes. */
  get freeBytes(): number {
    return this.#freeNumbers * placeBytes;
  }

  /** Bytes of memory that segments take, whatever they hold. */
  get segmentBytes(): number {
    const count = this.#segments.length - this.#freeSegments.length;
    return (count + (this.#spare === undefined ? 0 : 1)) * segmentBytes;
  }

  /** @param namespace its number; @param key and `value` are byte strings */
  add(
    namespace: number,
    key: string,
    value: string,
    version: number,
    expiresAt: number | undefined,
  ): EntryNumber {
    const number = this.#takeNumber();
    this.#write(number, namespace, key, value, version, expiresAt);
    return number;
  }

  /**
   * Gives the entry another value, version and deadline.
   *
   * @param key its own
   * @returns the old place, for `free` or `takeBack`
   */
  replace(
    number: EntryNumber,
    namespace: number,
    key: string,
    value: string,
    version: number,
    expiresAt: number | undefined,
  ): number {
    const old = this.#placeOf(number);
    this.#write(number, namespace, key, value, version, expiresAt);
    return old;
  }

  /**
   * Lets memory that was given back so far be written again. Call it before the places of a batch are
   * freed: then no reader can still look into that memory.
   */
  reuseReleased(): void {
    for (const segment of this.#released) {
      this.#freeSegments.push(segment.number);
      this.#spare ??= segment;
    }
    this.#released.length = 0;
  }

  /** Frees a place that no entry has any more. */
  free(place: number): void {
    const segment = this.#segmentOf(place);
    const unit = place & unitMask;
    if (isLargeAt(segment, unit)) this.#large.delete(place);
    const length = lengthAt(segment, unit);
    this.#freed += length;
    this.#takeFrom(segment, length);
  }

  /** Undoes a `replace`. @param place that it gave */
  takeBack(number: EntryNumber, place: number): void {
    this.free(this.#placeOf(number));
    this.#setPlace(number, place);
  }

  /** Frees an entry's place and its number. */
  remove(number: EntryNumber): void {
    this.free(this.#placeOf(number));
    this.#setPlace(number, -2 - this.#firstFree);
    this.#firstFree = number;
    this.#freeNumbers += 1;
  }

  /**
   * Moves live entries if dead ones take too much: so many bytes that the memory stays bounded. There
   * must be no old place that the caller still wants.
   */
  clean(): void {
    let left = this.#freed * cleaningFactor;
    this.#freed = 0;
    while (left > 0 && this.#used - this.#live > this.#live * deadShare + segmentBytes) {
      const segment = (this.#cleaned ??= this.#sparsest());
      if (segment === undefined) return;
      left -= this.#passEntry(segment);
    }
  }

  /** The number of the entry's namespace. */
  namespaceOf(number: EntryNumber): number {
    const place = this.#placeOf(number);
    return this.#segmentOf(place).words[2 * (place & unitMask) + 1] as number;
  }

  versionOf(number: EntryNumber): number {
    const place = this.#placeOf(number);
    return versionAt(this.#segmentOf(place), place & unitMask);
  }

  /** Unix milliseconds; undefined if the entry never expires. */
  expiryOf(number: EntryNumber): number | undefined {
    const place = this.#placeOf(number);
    return expiryAt(this.#segmentOf(place), place & unitMask);
  }

  /** Bytes of the value. */
  sizeOf(number: EntryNumber): number {
    const place = this.#placeOf(number);
    return sizeAt(this.#segmentOf(place), place & unitMask);
  }

  /** Bytes of the key. */
  keyLengthOf(number: EntryNumber): number {
    const place = this.#placeOf(number);
    return keyLengthAt(this.#segmentOf(place), place & unitMask);
  }

  /** The key as a byte string. */
  keyOf(number: EntryNumber): string {
    const place = this.#placeOf(number);
    const segment = this.#segmentOf(place);
    const at = keyAt(segment, place & unitMask);
    return segment.bytes.toString('latin1', at, at + keyLengthAt(segment, place & unitMask));
  }

  /** The value as a byte string. */
  valueOf(number: EntryNumber): string {
    const place = this.#placeOf(number);
    const segment = this.#segmentOf(place);
    const unit = place & unitMask;
    if (isLargeAt(segment, unit)) return byteStringOfBytes(this.#large.get(place) as Buffer);
    const at = valueAt(segment, unit);
    return segment.bytes.toString('latin1', at, at + sizeAt(segment, unit));
  }

  /** Compares the entry's key with this one by bytes: below 0 if it is less, 0 if it is the same. */
  compareKey(number: EntryNumber, key: string): number {
    const place = this.#placeOf(number);
    const segment = this.#segmentOf(place);
    const { bytes } = segment;
    const own = keyLengthAt(segment, place & unitMask);
    const at = keyAt(segment, place & unitMask);
    const length = own < key.length ? own : key.length;
    for (let index = 0; index < length; index++) {
      const difference = (bytes[at + index] as number) - key.charCodeAt(index);
      if (difference !== 0) return difference;
    }
    return own - key.length;
  }

  /** Forgets all entries, and gives all memory back. The caller tells of it. */
  clear(): void {
    this.#pieces.segments.length = 0;
    this.#segments.length = 0;
    this.#released.length = 0;
    this.#freeSegments.length = 0;
    this.#spare = undefined;
    this.#current = undefined;
    this.#cleaned = undefined;
    this.#live = 0;
    this.#used = 0;
    this.#large.clear();
    this.#freed = 0;
    this.#pieces.places.length = 0;
    this.#numbers = 0;
    this.#firstFree = noNumber;
    this.#freeNumbers = 0;
  }

  #placeOf(number: EntryNumber): number {
    const chunk = this.#pieces.places[number >>> placesShift] as Int32Array;
    return chunk[number & (placesInChunk - 1)] as number;
  }

  #setPlace(number: EntryNumber, place: number): void {
    const chunk = this.#pieces.places[number >>> placesShift] as Int32Array;
    Atomics.store(chunk, number & (placesInChunk - 1), place);
  }

  #segmentOf(place: number): OwnSegment {
    return this.#segments[place >>> placeShift] as OwnSegment;
  }

  #takeNumber(): EntryNumber {
    const free = this.#firstFree;
    if (free !== noNumber) {
      this.#firstFree = -2 - this.#placeOf(free);
      this.#freeNumbers -= 1;
      return free;
    }
    const number = this.#numbers++;
    const index = number >>> placesShift;
    if (index === this.#pieces.places.length) {
      const memory = new SharedArrayBuffer(placesInChunk * placeBytes);
      this.#pieces.places.push(new Int32Array(memory));
      this.#news.piece('places', index, memory);
    }
    return number;
  }

  #write(
    number: EntryNumber,
    namespace: number,
    key: string,
    value: string,
    version: number,
    expiresAt: number | undefined,
  ): void {
    const isLarge = value.length > smallValueBytesMax;
    const length = recordBytes(key.length, isLarge ? 0 : value.length, expiresAt !== undefined);
    const place = this.#allocate(length);
    const { words, doubles, bytes } = this.#segmentOf(place);
    const unit = place & unitMask;
    words[2 * unit] = number;
    words[2 * unit + 1] = namespace;
    words[2 * unit + 2] = value.length;
    words[2 * unit + 3] =
      key.length | (isLarge ? isLargeMark : 0) | (expiresAt === undefined ? 0 : hasDeadlineMark);
    doubles[unit + 2] = version;
    let at = (unit << unitShift) + headerBytes;
    if (expiresAt !== undefined) {
      doubles[unit + 3] = expiresAt;
      at += deadlineBytes;
    }
    writeText(bytes, at, key);
    if (isLarge) {
      const own = Buffer.allocUnsafeSlow(value.length);
      own.write(value, 0, value.length, 'latin1');
      this.#large.set(place, own);
    } else {
      writeText(bytes, at + key.length, value);
    }
    this.#setPlace(number, place);
  }

  /** @returns the place of so many bytes at the end of the log */
  #allocate(length: number): number {
    let segment = this.#current;
    if (segment === undefined || segment.end + length > segmentBytes) segment = this.#nextSegment();
    const unit = segment.end >>> unitShift;
    segment.end += length;
    segment.live += length;
    this.#live += length;
    this.#used += length;
    return (segment.number << placeShift) | unit;
  }

  #nextSegment(): OwnSegment {
    const full = this.#current;
    this.#current = undefined;
    if (full !== undefined) {
      this.#used += segmentBytes - full.end;
      if (full.live === 0) this.#release(full);
    }
    const number = this.#freeSegments.pop() ?? this.#segments.length;
    assert(number < segmentsMax, 'the memory of entries has a segment left');
    const next = this.#spare ?? newOwnSegment();
    this.#spare = undefined;
    next.number = number;
    next.end = 0;
    this.#segments[number] = next;
    this.#pieces.segments[number] = next;
    this.#news.piece('segment', number, next.memory);
    this.#current = next;
    return next;
  }

  /** Gives a segment's memory back. */
  #release(segment: OwnSegment): void {
    assert(segment.live === 0, 'only empty segments are given back');
    this.#segments[segment.number] = undefined;
    this.#pieces.segments[segment.number] = undefined;
    this.#news.piece('segment', segment.number, undefined);
    this.#released.push(segment);
    this.#used -= segmentBytes;
    if (segment === this.#cleaned) this.#cleaned = undefined;
  }

  #takeFrom(segment: OwnSegment, length: number): void {
    segment.live -= length;
    this.#live -= length;
    assert(segment.live >= 0, 'a segment frees only what it holds');
    if (segment.live === 0 && segment !== this.#current) this.#release(segment);
  }

  /** Moves one entry to the log's end if it is live. @returns its length in bytes */
  #passEntry(segment: OwnSegment): number {
    const unit = this.#cleanedTo >>> unitShift;
    const length = lengthAt(segment, unit);
    const place = (segment.number << placeShift) | unit;
    const number = segment.words[2 * unit] as number;
    this.#cleanedTo += length;
    if (this.#placeOf(number) === place) {
      const target = this.#allocate(length);
      const { bytes } = this.#segmentOf(target);
      const from = unit << unitShift;
      segment.bytes.copy(bytes, (target & unitMask) << unitShift, from, from + length);
      this.#setPlace(number, target);
      this.#moveLarge(place, target);
      // The last one gives the segment back.
      this.#takeFrom(segment, length);
    }
    assert(
      this.#cleaned === undefined || this.#cleanedTo < segment.end,
      'a segment that was passed holds no live entry',
    );
    return length;
  }

  #moveLarge(from: number, to: number): void {
    if (this.#large.size === 0) return;
    const value = this.#large.get(from);
    if (value === undefined) return;
    this.#large.delete(from);
    this.#large.set(to, value);
  }

  /** The segment with the fewest bytes of live entries, but for the one that is written to. */
  #sparsest(): OwnSegment | undefined {
    let found: OwnSegment | undefined;
    for (const segment of this.#segments) {
      if (segment === undefined || segment === this.#current) continue;
      if (found === undefined || segment.live < found.live) found = segment;
    }
    this.#cleanedTo = 0;
    return found;
  }
}

function newOwnSegment(): OwnSegment {
  const memory = new SharedArrayBuffer(segmentBytes);
  return { ...newSegment(memory), memory, number: noNumber, end: 0, live: 0 };
}
