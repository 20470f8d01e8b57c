// Presents a pipe, FIFO or socket as a file that is read from front to back. Keeps the first bytes,
// so that a reader may inspect them and then begin at offset 0. Knows no format.
import type { ReadableFile } from './file-system.ts';

const keptBytesMax = 4096;

export class SequentialFile implements ReadableFile {
  readonly #readNext: (target: Uint8Array) => number;
  readonly #close: () => void;
  readonly #beginning = Buffer.alloc(keptBytesMax);
  #position = 0;

  /** @param readNext reads the bytes that follow, and returns their number; 0 at the end */
  constructor(readNext: (target: Uint8Array) => number, close: () => void) {
    this.#readNext = readNext;
    this.#close = close;
  }

  /**
   * Reads from the kept first bytes, or from the current position.
   *
   * @throws Error if the offset is neither
   */
  read(target: Uint8Array, offset: number): number {
    if (target.length === 0) return 0;
    while (this.#position < keptBytesMax && offset + target.length > this.#position) {
      if (this.#fillBeginning() === 0) break;
    }
    const kept = Math.min(this.#position, keptBytesMax);
    if (offset < kept) return this.#beginning.copy(target, 0, offset, kept);
    if (offset !== this.#position) throw new Error(`nothing can be read at ${offset} any more`);
    const count = this.#readNext(target);
    this.#position += count;
    return count;
  }

  /** Infinity: the length is unknown. */
  size(): number {
    return Infinity;
  }

  close(): void {
    this.#close();
  }

  #fillBeginning(): number {
    const count = this.#readNext(this.#beginning.subarray(this.#position));
    this.#position += count;
    return count;
  }
}
