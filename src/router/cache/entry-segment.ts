// Owns the layout of cached entries in one piece of memory off V8's heap. Entries stand one behind
// the other, each at a multiple of 16 bytes: hash, namespace, size, length of the key and marks, four
// bytes each; version and expiry, eight bytes each; the key; the value. Knows nothing of the index,
// and not which entries are still of use.
import type { EntryResult } from '../../store/result.ts';

export const unitBytes = 16;
const headerBytes = 32;

const wasReadMark = 1 << 30;
const isLargeMark = 1 << 29;
const keyLengthMask = isLargeMark - 1;

/** An entry to be written. */
export interface NewEntry {
  readonly hash: number;
  /** Its number in the cache. */
  readonly namespace: number;
  readonly key: string;
  readonly result: EntryResult;
  /** Undefined if the value is held elsewhere. */
  readonly value: Uint8Array | undefined;
}

/** Bytes that an entry takes in a segment. */
export function entryBytes(keyLength: number, valueLength: number): number {
  return (headerBytes + keyLength + valueLength + unitBytes - 1) & -unitBytes;
}

/** All places are in bytes from the segment's begin. */
export class EntrySegment {
  readonly number: number;
  /** The end of the entries, which are without gaps; except in the segment that is written to. */
  end = 0;
  readonly #bytes: Buffer;
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;

  /** @param size a multiple of 16 bytes */
  constructor(number: number, size: number) {
    const memory = new ArrayBuffer(size);
    this.number = number;
    this.#bytes = Buffer.from(memory);
    this.#words = new Int32Array(memory);
    this.#doubles = new Float64Array(memory);
  }

  write(at: number, { hash, namespace, key, result, value }: NewEntry): void {
    const words = this.#words;
    const word = at >> 2;
    words[word] = hash;
    words[word + 1] = namespace;
    words[word + 2] = result.size;
    words[word + 3] = key.length | (value === undefined ? isLargeMark : 0);
    this.#doubles[(at >> 3) + 2] = result.version;
    this.#doubles[(at >> 3) + 3] = result.expiresAt ?? Infinity;
    const keyAt = at + headerBytes;
    for (let index = 0; index < key.length; index++) {
      this.#bytes[keyAt + index] = key.charCodeAt(index);
    }
    if (value !== undefined) this.#bytes.set(value, keyAt + key.length);
  }

  /** Moves an entry to an earlier place. The two may overlap. */
  move(from: number, to: number): void {
    this.#bytes.copyWithin(to, from, from + this.lengthAt(from));
  }

  hashAt(at: number): number {
    return this.#words[at >> 2] ?? 0;
  }

  hasName(at: number, namespace: number, key: string): boolean {
    if (this.#words[(at >> 2) + 1] !== namespace || this.#keyLengthAt(at) !== key.length) {
      return false;
    }
    const keyAt = at + headerBytes;
    for (let index = 0; index < key.length; index++) {
      if (this.#bytes[keyAt + index] !== key.charCodeAt(index)) return false;
    }
    return true;
  }

  /** Bytes of the entry in this segment. */
  lengthAt(at: number): number {
    return entryBytes(this.#keyLengthAt(at), this.isLargeAt(at) ? 0 : this.sizeAt(at));
  }

  /** True if the value is held elsewhere. */
  isLargeAt(at: number): boolean {
    return (this.#marksAt(at) & isLargeMark) !== 0;
  }

  wasReadAt(at: number): boolean {
    return (this.#marksAt(at) & wasReadMark) !== 0;
  }

  setReadAt(at: number, wasRead: boolean): void {
    const marks = this.#marksAt(at) & ~wasReadMark;
    this.#words[(at >> 2) + 3] = wasRead ? marks | wasReadMark : marks;
  }

  versionAt(at: number): number {
    return this.#doubles[(at >> 3) + 2] ?? 0;
  }

  /** Unix milliseconds; Infinity if the entry does not expire. */
  expiryAt(at: number): number {
    return this.#doubles[(at >> 3) + 3] ?? 0;
  }

  /** Bytes of the value, wherever it is held. */
  sizeAt(at: number): number {
    return this.#words[(at >> 2) + 2] ?? 0;
  }

  /** A copy of the value, because the place may get another entry. */
  valueAt(at: number): Buffer {
    const begin = at + headerBytes + this.#keyLengthAt(at);
    const size = this.sizeAt(at);
    const value = Buffer.allocUnsafe(size);
    value.set(this.#bytes.subarray(begin, begin + size));
    return value;
  }

  /** The value as a byte string. */
  textAt(at: number): string {
    const begin = at + headerBytes + this.#keyLengthAt(at);
    return this.#bytes.toString('latin1', begin, begin + this.sizeAt(at));
  }

  #keyLengthAt(at: number): number {
    return this.#marksAt(at) & keyLengthMask;
  }

  #marksAt(at: number): number {
    return this.#words[(at >> 2) + 3] ?? 0;
  }
}
