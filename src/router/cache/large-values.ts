// Owns the values of cached entries that are too large to be copied for every reader. Each is a
// buffer of its own, which readers share. Knows entries by their references alone.

/** Bytes that a value costs besides its own: buffer, view and place in the map. */
const overheadBytes = 400;

/** Bytes of memory that a value of this size costs. */
export function largeBytes(size: number): number {
  return size + overheadBytes;
}

export class LargeValues {
  /** By the reference of the entry, the oldest first. */
  readonly #values = new Map<number, Buffer>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** The reference of the entry whose value came or moved longest ago; undefined if there is none. */
  get oldest(): number | undefined {
    return this.#values.keys().next().value;
  }

  get(reference: number): Buffer | undefined {
    return this.#values.get(reference);
  }

  /** Copies the value. */
  add(reference: number, value: Uint8Array): void {
    // A buffer of its own: the answer is a view of its whole batch.
    const copy = Buffer.from(new Uint8Array(value).buffer);
    this.#values.set(reference, copy);
    this.#bytes += largeBytes(copy.length);
  }

  /** The entry has another reference from now on. Its value is the youngest. */
  move(from: number, to: number): void {
    const value = this.#values.get(from);
    if (value === undefined) return;
    this.#values.delete(from);
    this.#values.set(to, value);
  }

  remove(reference: number): void {
    const value = this.#values.get(reference);
    if (value === undefined) return;
    this.#values.delete(reference);
    this.#bytes -= largeBytes(value.length);
  }

  clear(): void {
    this.#values.clear();
    this.#bytes = 0;
  }
}
