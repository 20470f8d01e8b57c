// How large the largest of many things is, about: each is counted by its size in steps.
// Small ones are not counted, so that most puts cost one comparison.

const stepBits = 16;
const stepBytes = 2 ** stepBits;

export class LargestSize {
  /** By size in steps. */
  readonly #counts: number[] = [];

  /** At least a step, and at most two, more than the largest: a value has room with its key. */
  get bytes(): number {
    return (Math.max(1, this.#counts.length) + 1) * stepBytes;
  }

  add(bytes: number): void {
    if (bytes >= stepBytes) this.#count(bytes >>> stepBits, 1);
  }

  /** It must have been added. */
  remove(bytes: number): void {
    if (bytes >= stepBytes) this.#count(bytes >>> stepBits, -1);
  }

  /** All of them must have been added here, too. */
  removeAll(others: LargestSize): void {
    for (const [steps, count] of others.#counts.entries()) {
      if (count > 0) this.#count(steps, -count);
    }
  }

  #count(steps: number, by: number): void {
    const counts = this.#counts;
    while (counts.length <= steps) counts.push(0);
    counts[steps] = (counts[steps] ?? 0) + by;
    // The list ends with the largest.
    while (counts.length > 0 && counts.at(-1) === 0) counts.pop();
  }
}
