// Keeps a body that comes in chunks, in little more memory than it has bytes. A chunk of one byte is
// an object of some hundred, and clients choose how they cut their bodies.

/** A chunk of this size is kept as it came; smaller ones are put together, but for the first. */
const ownPieceBytes = 4096;

const tailBytesMin = 1024;
const tailBytesMax = 16 * 1024;

/** A chunk may be a view of memory that is far larger. */
function inOwnMemory(chunk: Buffer): Buffer {
  if (chunk.buffer.byteLength === chunk.length) return chunk;
  const copy = Buffer.allocUnsafeSlow(chunk.length);
  chunk.copy(copy);
  return copy;
}

export class BodyPieces {
  readonly #bytesMax: number;
  readonly #pieces: Buffer[] = [];
  /** Bytes of the last piece that are not used yet. */
  #free = 0;
  #length = 0;

  /** @param bytesMax the most that will ever be added */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get length(): number {
    return this.#length;
  }

  get pieceCount(): number {
    return this.#pieces.length;
  }

  /** @returns how many bytes of memory were taken for it; never more than `bytesMax` in sum */
  add(chunk: Buffer): number {
    const filled = this.#fill(chunk);
    if (filled === chunk.length) return 0;
    const rest = filled === 0 ? chunk : chunk.subarray(filled);
    return this.#length === 0 || rest.length >= ownPieceBytes
      ? this.#keep(inOwnMemory(rest))
      : this.#begin(rest);
  }

  /** All of it in one piece, without a copy if it came in one. */
  join(): Buffer {
    const [first = Buffer.alloc(0)] = this.#pieces;
    if (this.#pieces.length <= 1) return first;
    return Buffer.concat(this.#pieces, this.#length);
  }

  #fill(chunk: Buffer): number {
    const last = this.#pieces.at(-1);
    if (this.#free === 0 || last === undefined) return 0;
    const copied = chunk.copy(last, last.length - this.#free);
    this.#free -= copied;
    this.#length += copied;
    return copied;
  }

  #keep(piece: Buffer): number {
    this.#pieces.push(piece);
    this.#length += piece.length;
    return piece.length;
  }

  #begin(chunk: Buffer): number {
    const wanted = Math.min(Math.max(this.#length, tailBytesMin), tailBytesMax);
    const size = Math.min(Math.max(wanted, chunk.length), this.#bytesMax - this.#length);
    this.#pieces.push(Buffer.allocUnsafeSlow(size));
    this.#free = size;
    this.#fill(chunk);
    return size;
  }
}
