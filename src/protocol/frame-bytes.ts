// Writes and reads numbers, byte strings and bytes, one after another in a buffer, little-endian.
// Must not know any message; see batch-frame.ts.

import type { Bytes } from '../base/byte-string.ts';

/** Below this length, copying characters in JavaScript is faster than a call into the runtime. */
const shortString = 24;

export class FrameWriter {
  #buffer: Buffer;
  #view: DataView;
  #offset = 0;

  /** @param sizeHint in bytes; the frame grows past it if needed */
  constructor(sizeHint: number) {
    this.#buffer = Buffer.from(new ArrayBuffer(sizeHint));
    this.#view = new DataView(this.#buffer.buffer);
  }

  /** @returns all bytes written, in a buffer of its own that the caller may move to another thread */
  finish(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#view.buffer as ArrayBuffer, 0, this.#offset);
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#view.setUint8(this.#offset, value);
    this.#offset += 1;
  }

  u16(value: number): void {
    this.#reserve(2);
    this.#view.setUint16(this.#offset, value, true);
    this.#offset += 2;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#offset, value, true);
    this.#offset += 4;
  }

  f64(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#offset, value, true);
    this.#offset += 8;
  }

  /** Writes a byte string with its length before it. */
  string(value: string): void {
    const { length } = value;
    this.u32(length);
    this.#reserve(length);
    if (length > shortString) {
      this.#buffer.write(value, this.#offset, 'latin1');
    } else {
      for (let i = 0; i < length; i++) this.#buffer[this.#offset + i] = value.charCodeAt(i);
    }
    this.#offset += length;
  }

  strings(values: readonly string[]): void {
    this.u32(values.length);
    for (const value of values) this.string(value);
  }

  /** Writes bytes in either form, which read back the same. */
  value(value: Bytes): void {
    if (typeof value === 'string') this.string(value);
    else this.bytes(value);
  }

  /** Writes bytes with their length before them, which read back the same as a byte string. */
  bytes(value: Uint8Array): void {
    this.u32(value.length);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#offset);
    this.#offset += value.length;
  }

  #reserve(count: number): void {
    const needed = this.#offset + count;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.from(new ArrayBuffer(Math.max(needed, this.#buffer.length * 2)));
    grown.set(this.#buffer.subarray(0, this.#offset));
    this.#buffer = grown;
    this.#view = new DataView(grown.buffer);
  }
}

export class FrameReader {
  readonly #buffer: Buffer;
  readonly #view: DataView;
  #offset = 0;

  constructor(frame: Uint8Array) {
    this.#buffer = Buffer.from(frame.buffer, frame.byteOffset, frame.length);
    this.#view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  }

  get isAtEnd(): boolean {
    return this.#offset === this.#buffer.length;
  }

  u8(): number {
    const value = this.#view.getUint8(this.#offset);
    this.#offset += 1;
    return value;
  }

  u16(): number {
    const value = this.#view.getUint16(this.#offset, true);
    this.#offset += 2;
    return value;
  }

  u32(): number {
    const value = this.#view.getUint32(this.#offset, true);
    this.#offset += 4;
    return value;
  }

  f64(): number {
    const value = this.#view.getFloat64(this.#offset, true);
    this.#offset += 8;
    return value;
  }

  string(): string {
    const end = this.u32() + this.#offset;
    const value = this.#buffer.toString('latin1', this.#offset, end);
    this.#offset = end;
    return value;
  }

  strings(): string[] {
    const values: string[] = [];
    for (let left = this.u32(); left > 0; left--) values.push(this.string());
    return values;
  }

  /** A view of the frame, not a copy. */
  bytes(): Buffer {
    const end = this.u32() + this.#offset;
    const value = this.#buffer.subarray(this.#offset, end);
    this.#offset = end;
    return value;
  }
}
