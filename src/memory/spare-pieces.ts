// Keeps the pieces of a shard's memory that were given back, all of one kind, to be used again. Nothing
// is dropped: V8 would collect it at any later time, in both threads, and until then a store that is
// filled again would take its memory twice. Knows no content.

export class SparePieces<Piece> {
  /** Given back in this batch: a reader may look into them until it sends another one. */
  readonly #released: Piece[] = [];
  readonly #spare: Piece[] = [];

  get length(): number {
    return this.#released.length + this.#spare.length;
  }

  /** @returns a piece with any content; undefined if there is none that may be written */
  take(): Piece | undefined {
    return this.#spare.pop();
  }

  giveBack(piece: Piece): void {
    this.#released.push(piece);
  }

  /**
   * Lets the pieces that were given back so far be taken. Call it in a later batch than that which gave
   * them back: then no reader can still look into them.
   */
  reuseReleased(): void {
    for (const piece of this.#released) this.#spare.push(piece);
    this.#released.length = 0;
  }
}
