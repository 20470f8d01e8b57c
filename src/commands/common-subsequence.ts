// Finds the longest common subsequence of two byte strings. Chooses among several as Redis does. For
// speed, the usual table has one bit a cell, and 32 cells are computed at a time. Knows no command.

/** A run of bytes that both strings have in a row. All ends are inclusive. */
export interface CommonRange {
  readonly firstInA: number;
  readonly lastInA: number;
  readonly firstInB: number;
  readonly lastInB: number;
}

/** A row of bits for each byte of `a`. Bit j is set if the byte is at position j of `b`. */
class Places {
  readonly rowOf = new Uint8Array(256);
  readonly bits: Uint32Array;

  constructor(a: string, b: string, words: number) {
    const isIn = new Uint8Array(256);
    for (let i = 0; i < a.length; i++) isIn[a.charCodeAt(i)] = 1;
    let rows = 0;
    for (let byte = 0; byte < 256; byte++) if (isIn[byte] === 1) this.rowOf[byte] = rows++;
    this.bits = new Uint32Array(rows * words);
    for (let j = 0; j < b.length; j++) {
      const byte = b.charCodeAt(j);
      if (isIn[byte] === 0) continue;
      const at = (this.rowOf[byte] ?? 0) * words + (j >>> 5);
      this.bits[at] = (this.bits[at] ?? 0) | (1 << (j & 31));
    }
  }
}

export class CommonSubsequence {
  readonly #a: string;
  readonly #b: string;
  readonly #words: number;
  /**
   * Row i is about the first i bytes of `a`. Bit j is clear if the j-th byte of `b` lengthens their
   * longest common subsequence.
   */
  readonly #rows: Uint32Array;

  /** Takes one bit of memory for each pair of bytes, and time in proportion. */
  constructor(a: string, b: string) {
    this.#a = a;
    this.#b = b;
    this.#words = Math.ceil(b.length / 32);
    this.#rows = new Uint32Array((a.length + 1) * this.#words).fill(0xffff_ffff, 0, this.#words);
    this.#fill(new Places(a, b, this.#words));
  }

  get length(): number {
    const last = this.#a.length * this.#words;
    let length = 0;
    for (let j = 0; j < this.#b.length; j++) {
      length += ~((this.#rows[last + (j >>> 5)] ?? 0) >>> (j & 31)) & 1;
    }
    return length;
  }

  /** The runs in order from the last to the first. */
  ranges(): CommonRange[] {
    const ranges: CommonRange[] = [];
    let [i, j] = [this.#a.length, this.#b.length];
    while (i > 0 && j > 0) {
      const [lastInA, lastInB] = [i - 1, j - 1];
      while (i > 0 && j > 0 && this.#a.charCodeAt(i - 1) === this.#b.charCodeAt(j - 1)) {
        i -= 1;
        j -= 1;
      }
      if (i <= lastInA) ranges.push({ firstInA: i, lastInA, firstInB: j, lastInB });
      else if (this.#gains(i, j)) i -= 1;
      else j -= 1;
    }
    return ranges;
  }

  /** True if the j-th byte of `b` adds to the subsequence of the first i bytes of `a`. */
  #gains(i: number, j: number): boolean {
    const bits = this.#rows[i * this.#words + ((j - 1) >>> 5)] ?? 0;
    return ((bits >>> ((j - 1) & 31)) & 1) === 0;
  }

  /** Computes each row from the one before it. Source: Hyyrö's bit-parallel form of the recurrence. */
  #fill({ rowOf, bits }: Places): void {
    const [a, rows, words] = [this.#a, this.#rows, this.#words];
    for (let i = 0, at = 0; i < a.length; i++) {
      let place = (rowOf[a.charCodeAt(i)] ?? 0) * words;
      let carry = 0;
      for (const end = at + words; at < end; at++, place++) {
        const before = rows[at] ?? 0;
        const matches = before & (bits[place] ?? 0);
        const sum = before + (matches >>> 0) + carry;
        carry = sum > 0xffff_ffff ? 1 : 0;
        rows[at + words] = sum | (before & ~matches);
      }
    }
  }
}
