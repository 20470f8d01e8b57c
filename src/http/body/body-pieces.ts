// Stores a body that comes in chunks, in little more memory than the body has bytes. Clients choose
// how they cut their bodies, and a chunk of one byte is an object of some hundred.

/** A chunk of at least this size is kept as it came. Smaller ones are merged, except the first. */
const ownPieceBytes = 4096;

const tailBytesMin = 1024;
const tailBytesMax = 16 * 1024;

/** Copies a chunk that is a view of larger memory: the view would keep all of that memory. */
function inOwnMemory(chunk: Buffer): Buffer {
  if (chunk.buffer.byteLength === chunk.length) return chunk;
  const copy = Buffer.allocUnsafeSlow(chunk.length);
  chunk.copy(copy);
  return copy;
}

export class BodyPieces {
  readonly #bytesMax: number;
  readonly #pieces: Buffer[] = [];
  /** Unused bytes at the end of the last piece. */
  #free = 0;
  #length = 0;

  /** @param bytesMax the most that the caller will ever add */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get length(): number {
    return this.#length;
  }

  get pieceCount(): number {
    return this.#pieces.length;
  }

  /** @returns bytes of memory taken for the chunk; in sum never more than `bytesMax` */
  add(chunk: Buffer): number {
    const filled = this.#fill(chunk);
    if (filled === chunk.length) return 0;
    const rest = filled === 0 ? chunk : chunk.subarray(filled);
    return this.#length === 0 || rest.length >= ownPieceBytes
      ? this.#keep(inOwnMemory(rest))
      : this.#begin(rest);
  }

  /** Returns the whole body in one buffer, without a copy if the body is one piece. */
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
