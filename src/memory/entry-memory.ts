// Owns the memory of a shard's entries as its thread writes it, off V8's heap: a log of segments
// (Rosenblum and Ousterhout, "The Design and Implementation of a Log-Structured File System", 1992). A
// changed entry is written at the log's end, and its old place stays as it was until the caller frees
// it. A cleaner moves the live entries out of segments that hold few, so dead ones take a bounded
// share. A large value stands in parts, which are entries of the log without a key. Knows no order, no
// hash, no name of a namespace, and not why a caller keeps an old place. entry-pieces.ts has the layout.
import { assert } from '../base/assert.ts';
import {
  deadlineBytes,
  expiryAt,
  hasDeadlineMark,
  headerBytes,
  isLargeAt,
  keyAt,
  keyLengthAt,
  lengthAt,
  newWords,
  partAt,
  partBytes,
  partsOf,
  placesInChunk,
  placeShift,
  placesShift,
  recordBytes,
  segmentBytes,
  sizeAt,
  smallValueBytesMax,
  storedBytes,
  unitMask,
  unitShift,
  valueAt,
  versionAt,
  type EntryNumber,
  type EntryPieces,
} from './entry-pieces.ts';
import type { NewsOfMemory } from './memory-news.ts';
import { SegmentPool, type OwnSegment } from './segment-pool.ts';
import { SparePieces } from './spare-pieces.ts';

/** Dead entries take at most so much of the memory of live ones, and some segments. */
const deadShare = 1 / 3;
/** The cleaner reads so many bytes for each byte that was freed, while dead ones take too much. */
const cleaningFactor = 6;

const placeBytes = Int32Array.BYTES_PER_ELEMENT;
const noNumber = -1;

/** Below this length, copying characters in JavaScript is faster than a call into the runtime. */
const shortString = 24;

/** The memory of one entry, with the share of dead ones that goes with it, at most, in bytes. */
export function entryMemoryBytes(
  keyLength: number,
  valueLength: number,
  expiresAt: number | undefined,
): number {
  let bytes = recordBytes(keyLength, storedBytes(valueLength), expiresAt !== undefined);
  let numbers = 1;
  if (valueLength > smallValueBytesMax) {
    const parts = partsOf(valueLength);
    bytes += (parts - 1) * recordBytes(0, partBytes, false);
    bytes += recordBytes(0, valueLength - (parts - 1) * partBytes, false);
    numbers += parts;
  }
  return bytes + Math.ceil(bytes * deadShare) + numbers * placeBytes;
}

function writeText(bytes: Buffer, at: number, text: string): void {
  const { length } = text;
  if (length > shortString) bytes.write(text, at, length, 'latin1');
  else for (let index = 0; index < length; index++) bytes[at + index] = text.charCodeAt(index);
}

export class EntryMemory {
  readonly #pieces: EntryPieces;
  readonly #news: NewsOfMemory;
  readonly #pool: SegmentPool;
  readonly #sparePlaces = new SparePieces<Int32Array<SharedArrayBuffer>>();
  /** The segment that is written to. */
  #current: OwnSegment | undefined;
  /** The segment that the cleaner empties, and how far it has come. */
  #cleaned: OwnSegment | undefined;
  #cleanedTo = 0;
  /** Bytes of live entries in segments. */
  #live = 0;
  /** Bytes of segments up to their ends, or whole if nothing is written to them any more. */
  #used = 0;
  /** Bytes that were freed since the cleaner ran. */
  #freed = 0;
  #numbers = 0;
  #firstFree = noNumber;
  #freeNumbers = 0;

  /** @param news the memory tells of its pieces here */
  constructor(pieces: EntryPieces, news: NewsOfMemory) {
    this.#pieces = pieces;
    this.#news = news;
    this.#pool = new SegmentPool(pieces, news);
  }

  /** Memory of numbers that no entry has, in bytes. */
  get freeBytes(): number {
    return this.#freeNumbers * placeBytes;
  }

  /** Bytes of the segments in use, whatever they hold. */
  get segmentBytes(): number {
    return this.#pool.bytes;
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

  /** See `SparePieces`. Call it before the places of a batch are freed. */
  reuseReleased(): void {
    this.#pool.reuseReleased();
    this.#sparePlaces.reuseReleased();
  }

  /** Frees a place that no entry has any more. */
  free(place: number): void {
    const segment = this.#segmentOf(place);
    const unit = place & unitMask;
    if (isLargeAt(segment, unit)) {
      const parts = partsOf(sizeAt(segment, unit));
      for (let part = 0; part < parts; part++) this.remove(partAt(segment, unit, part));
    }
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
    if (isLargeAt(segment, unit)) return this.#largeValueAt(segment, unit);
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

  /** Forgets all entries, and keeps their memory for others. The caller tells of it. */
  clear(): void {
    this.#pool.clear();
    for (const chunk of this.#pieces.places) this.#sparePlaces.giveBack(chunk);
    this.#current = undefined;
    this.#cleaned = undefined;
    this.#live = 0;
    this.#used = 0;
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
    return this.#pool.inUse[place >>> placeShift] as OwnSegment;
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
      const chunk = this.#sparePlaces.take() ?? newWords(placesInChunk);
      this.#pieces.places.push(chunk);
      this.#news.piece('places', index, chunk.buffer);
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
    const length = recordBytes(key.length, storedBytes(value.length), expiresAt !== undefined);
    const parts = isLarge ? this.#addParts(value) : undefined;
    const place = this.#allocate(length);
    const { words, doubles, bytes } = this.#segmentOf(place);
    const unit = place & unitMask;
    words[2 * unit] = number;
    words[2 * unit + 1] = namespace;
    words[2 * unit + 2] = value.length;
    words[2 * unit + 3] = key.length | (expiresAt === undefined ? 0 : hasDeadlineMark);
    doubles[unit + 2] = version;
    let at = (unit << unitShift) + headerBytes;
    if (expiresAt !== undefined) {
      doubles[unit + 3] = expiresAt;
      at += deadlineBytes;
    }
    writeText(bytes, at, key);
    at += key.length;
    if (parts === undefined) writeText(bytes, at, value);
    else for (const part of parts) at = bytes.writeInt32LE(part, at);
    this.#setPlace(number, place);
  }

  /** @returns the numbers of the entries that hold the parts of the value, in order */
  #addParts(value: string): EntryNumber[] {
    const parts: EntryNumber[] = [];
    for (let at = 0; at < value.length; at += partBytes) {
      parts.push(this.add(0, '', value.substring(at, at + partBytes), 0, undefined));
    }
    return parts;
  }

  #largeValueAt(segment: OwnSegment, unit: number): string {
    const parts = partsOf(sizeAt(segment, unit));
    let value = '';
    for (let part = 0; part < parts; part++) value += this.valueOf(partAt(segment, unit, part));
    return value;
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
    const next = this.#pool.take();
    this.#current = next;
    return next;
  }

  /** Gives a segment's memory back. */
  #release(segment: OwnSegment): void {
    this.#pool.giveBack(segment);
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
      // The last one gives the segment back.
      this.#takeFrom(segment, length);
    }
    assert(
      this.#cleaned === undefined || this.#cleanedTo < segment.end,
      'a segment that was passed holds no live entry',
    );
    return length;
  }

  /** The segment with the fewest bytes of live entries, but for the one that is written to. */
  #sparsest(): OwnSegment | undefined {
    let found: OwnSegment | undefined;
    for (const segment of this.#pool.inUse) {
      if (segment === undefined || segment === this.#current) continue;
      if (found === undefined || segment.live < found.live) found = segment;
    }
    this.#cleanedTo = 0;
    return found;
  }
}
