// Owns the memory of a table's entries, off V8's heap, as a log of segments (Rosenblum and Ousterhout,
// "The Design and Implementation of a Log-Structured File System", 1992). A changed entry is written
// at the log's end, and its old place stays as it was until the caller frees it. A cleaner moves the
// live entries out of segments that hold few, so dead ones take a bounded share. An entry has a number
// for as long as its key lives, however often it moves. Knows no order, no hash, no name of a
// namespace, and not why a caller keeps an old place.
import { assert } from '../../base/assert.ts';
import { byteStringOfBytes } from '../../base/byte-string.ts';

/** An entry's number. Numbers of deleted entries are used again. */
export type EntryNumber = number;

/** Entries begin at multiples of so many bytes. */
const unitShift = 3;
const unitBytes = 1 << unitShift;
/** A place: the number of a segment above so many bits, and the unit in it. */
const placeShift = 16;
const unitMask = (1 << placeShift) - 1;
const segmentBytes = unitBytes << placeShift;
const segmentsMax = 2 ** (31 - placeShift);

/**
 * The layout of an entry: its number, its namespace, the size of the value, and the length of the key
 * with marks, four bytes each; the version, and the deadline if there is one, eight bytes each; the
 * key; the value, unless it is large.
 */
const headerBytes = 24;
const deadlineBytes = 8;
const hasDeadlineMark = 1 << 30;
const isLargeMark = 1 << 29;
/** The kind of the value has these bits of the marks. All values are byte strings today: kind 0. */
const keyLengthMask = (1 << 24) - 1;

/** Larger values stand in buffers of their own. */
const smallValueBytesMax = 32 * 1024;
/** A buffer without its bytes, at most. */
const bufferBytes = 256;

/** Dead entries take at most so much of the memory of live ones, and three segments. */
const deadShare = 1 / 3;
/** The cleaner reads so many bytes for each byte that was freed, while dead ones take too much. */
const cleaningFactor = 6;

/** Numbers of one chunk of places. */
const chunkShift = 14;
const placesInChunk = 1 << chunkShift;
const placeBytes = Int32Array.BYTES_PER_ELEMENT;
const noNumber = -1;

/** Below this length, copying characters in JavaScript is faster than a call into the runtime. */
const shortString = 24;

interface Segment {
  /** Another one whenever the memory is used again. */
  number: number;
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly bytes: Buffer;
  /** End of the entries, in bytes from the begin. */
  end: number;
  /** Bytes of live entries. */
  live: number;
}

function recordBytes(
  keyLength: number,
  valueLength: number,
  expiresAt: number | undefined,
): number {
  const small = valueLength > smallValueBytesMax ? 0 : valueLength;
  const deadline = expiresAt === undefined ? 0 : deadlineBytes;
  return (headerBytes + deadline + keyLength + small + unitBytes - 1) & -unitBytes;
}

/** The memory of one entry, with the share of dead ones that goes with it, at most, in bytes. */
export function entryMemoryBytes(
  keyLength: number,
  valueLength: number,
  expiresAt: number | undefined,
): number {
  const large = valueLength > smallValueBytesMax ? valueLength + bufferBytes : 0;
  const record = recordBytes(keyLength, valueLength, expiresAt);
  return record + Math.ceil(record * deadShare) + large + placeBytes;
}

function writeText(bytes: Buffer, at: number, text: string): void {
  const { length } = text;
  if (length > shortString) bytes.write(text, at, length, 'latin1');
  else for (let index = 0; index < length; index++) bytes[at + index] = text.charCodeAt(index);
}

export class EntryMemory {
  /** By number; undefined if the number is free. */
  readonly #segments: (Segment | undefined)[] = [];
  readonly #freeSegments: number[] = [];
  /** Kept for the next segment, so that memory is not given back and taken again all the time. */
  #spare: Segment | undefined;
  /** The segment that is written to. */
  #current: Segment | undefined;
  /** The segment that the cleaner empties, and how far it has come. */
  #cleaned: Segment | undefined;
  #cleanedTo = 0;
  /** Bytes of live entries in segments. */
  #live = 0;
  /** Bytes of segments up to their ends, or whole if nothing is written to them any more. */
  #used = 0;
  /** Large values, by the places of their entries. */
  readonly #large = new Map<number, Buffer>();
  /** Bytes that were freed since the cleaner ran. */
  #freed = 0;
  /** By the entry's number: its place; or the complement of the next free number, less one. */
  readonly #places: Int32Array[] = [];
  #numbers = 0;
  #firstFree = noNumber;
  #freeNumbers = 0;

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

  /** Frees a place that no entry has any more. */
  free(place: number): void {
    const segment = this.#segmentOf(place);
    const unit = place & unitMask;
    if (((segment.words[2 * unit + 3] as number) & isLargeMark) !== 0) this.#large.delete(place);
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
    const at = (place & unitMask) + 2;
    return this.#segmentOf(place).doubles[at] as number;
  }

  /** Unix milliseconds; undefined if the entry never expires. */
  expiryOf(number: EntryNumber): number | undefined {
    const place = this.#placeOf(number);
    const { words, doubles } = this.#segmentOf(place);
    const unit = place & unitMask;
    const marks = words[2 * unit + 3] as number;
    return (marks & hasDeadlineMark) === 0 ? undefined : doubles[unit + 3];
  }

  /** Bytes of the value. */
  sizeOf(number: EntryNumber): number {
    const place = this.#placeOf(number);
    return this.#segmentOf(place).words[2 * (place & unitMask) + 2] as number;
  }

  /** Bytes of the key. */
  keyLengthOf(number: EntryNumber): number {
    const place = this.#placeOf(number);
    const marks = this.#segmentOf(place).words[2 * (place & unitMask) + 3] as number;
    return marks & keyLengthMask;
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
    const marks = segment.words[2 * unit + 3] as number;
    if ((marks & isLargeMark) !== 0) return byteStringOfBytes(this.#large.get(place) as Buffer);
    const at = keyAt(segment, unit) + (marks & keyLengthMask);
    return segment.bytes.toString('latin1', at, at + (segment.words[2 * unit + 2] as number));
  }

  hasName(number: EntryNumber, namespace: number, key: string): boolean {
    const place = this.#placeOf(number);
    const segment = this.#segmentOf(place);
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

  /** Forgets all entries, and gives all memory back. */
  clear(): void {
    this.#segments.length = 0;
    this.#freeSegments.length = 0;
    this.#spare = undefined;
    this.#current = undefined;
    this.#cleaned = undefined;
    this.#live = 0;
    this.#used = 0;
    this.#large.clear();
    this.#freed = 0;
    this.#places.length = 0;
    this.#numbers = 0;
    this.#firstFree = noNumber;
    this.#freeNumbers = 0;
  }

  #placeOf(number: EntryNumber): number {
    const chunk = this.#places[number >>> chunkShift] as Int32Array;
    return chunk[number & (placesInChunk - 1)] as number;
  }

  #setPlace(number: EntryNumber, place: number): void {
    const chunk = this.#places[number >>> chunkShift] as Int32Array;
    chunk[number & (placesInChunk - 1)] = place;
  }

  #segmentOf(place: number): Segment {
    return this.#segments[place >>> placeShift] as Segment;
  }

  #takeNumber(): EntryNumber {
    const free = this.#firstFree;
    if (free !== noNumber) {
      this.#firstFree = -2 - this.#placeOf(free);
      this.#freeNumbers -= 1;
      return free;
    }
    const number = this.#numbers++;
    if (number >>> chunkShift === this.#places.length) {
      this.#places.push(new Int32Array(placesInChunk));
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
    const length = recordBytes(key.length, value.length, expiresAt);
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

  #nextSegment(): Segment {
    const full = this.#current;
    this.#current = undefined;
    if (full !== undefined) {
      this.#used += segmentBytes - full.end;
      if (full.live === 0) this.#release(full);
    }
    const number = this.#freeSegments.pop() ?? this.#segments.length;
    assert(number < segmentsMax, 'the memory of entries has a segment left');
    const next = this.#spare ?? newSegment();
    this.#spare = undefined;
    next.number = number;
    next.end = 0;
    this.#segments[number] = next;
    this.#current = next;
    return next;
  }

  /** Gives a segment's memory back. */
  #release(segment: Segment): void {
    assert(segment.live === 0, 'only empty segments are given back');
    this.#segments[segment.number] = undefined;
    this.#freeSegments.push(segment.number);
    this.#used -= segmentBytes;
    this.#spare ??= segment;
    if (segment === this.#cleaned) this.#cleaned = undefined;
  }

  #takeFrom(segment: Segment, length: number): void {
    segment.live -= length;
    this.#live -= length;
    assert(segment.live >= 0, 'a segment frees only what it holds');
    if (segment.live === 0 && segment !== this.#current) this.#release(segment);
  }

  /** Moves one entry to the log's end if it is live. @returns its length in bytes */
  #passEntry(segment: Segment): number {
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
  #sparsest(): Segment | undefined {
    let found: Segment | undefined;
    for (const segment of this.#segments) {
      if (segment === undefined || segment === this.#current) continue;
      if (found === undefined || segment.live < found.live) found = segment;
    }
    this.#cleanedTo = 0;
    return found;
  }
}

function newSegment(): Segment {
  const memory = new ArrayBuffer(segmentBytes);
  return {
    number: noNumber,
    words: new Int32Array(memory),
    doubles: new Float64Array(memory),
    bytes: Buffer.from(memory),
    end: 0,
    live: 0,
  };
}

function keyLengthAt({ words }: Segment, unit: number): number {
  return (words[2 * unit + 3] as number) & keyLengthMask;
}

function keyAt({ words }: Segment, unit: number): number {
  const marks = words[2 * unit + 3] as number;
  const header = (marks & hasDeadlineMark) === 0 ? headerBytes : headerBytes + deadlineBytes;
  return (unit << unitShift) + header;
}

/** Bytes of the entry in its segment. */
function lengthAt({ words }: Segment, unit: number): number {
  const marks = words[2 * unit + 3] as number;
  const deadline = (marks & hasDeadlineMark) === 0 ? 0 : deadlineBytes;
  const value = (marks & isLargeMark) === 0 ? (words[2 * unit + 2] as number) : 0;
  return (headerBytes + deadline + (marks & keyLengthMask) + value + unitBytes - 1) & -unitBytes;
}
