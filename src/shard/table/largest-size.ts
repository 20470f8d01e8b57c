// The approximate size of the largest of many values. Groups the values by their size in steps.
// Ignores small values, so that most puts cost one comparison. Knows no entry.

const stepBits = 16;
const stepBytes = 2 ** stepBits;

export class LargestSize {
  /** Number of values, by size in steps. */
  readonly #counts: number[] = [];

  /** One to two steps above the largest value, so that the value fits together with its key. */
  get bytes(): number {
    return (Math.max(1, this.#counts.length) + 1) * stepBytes;
  }

  add(bytes: number): void {
    if (bytes >= stepBytes) this.#count(bytes >>> stepBits, 1);
  }

  /** The caller must have added a value of this size. */
  remove(bytes: number): void {
    if (bytes >= stepBytes) this.#count(bytes >>> stepBits, -1);
  }

  /** Adds all values that `others` counts. */
  addAll(others: LargestSize): void {
    for (const [steps, count] of others.#counts.entries()) {
      if (count > 0) this.#count(steps, count);
    }
  }

  /** Removes all values that `others` counts. The caller must have added them here, too. */
  removeAll(others: LargestSize): void {
    for (const [steps, count] of others.#counts.entries()) {
      if (count > 0) this.#count(steps, -count);
    }
  }

  #count(steps: number, by: number): void {
    const counts = this.#counts;
    while (counts.length <= steps) counts.push(0);
    counts[steps] = (counts[steps] ?? 0) + by;
    // The list must end with the largest size: `bytes` relies on its length.
    while (counts.length > 0 && counts.at(-1) === 0) counts.pop();
  }
}
