/**
 * Counts observations by size, cheaply enough for every request. Bounds are inclusive and rising.
 */
export class Histogram {
  readonly bounds: readonly number[];
  /**
   * Not cumulative: `counts[i]` is for (bounds[i - 1], bounds[i]]; the last count has no upper
   * bound.
   */
  readonly counts: Float64Array;
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const { bounds, counts } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? Infinity)) bucket++;
    counts[bucket] = (counts[bucket] ?? 0) + 1;
    this.sum += value;
    this.count += 1;
  }
}

/** Seconds, from 50 µs to 10 s. */
export const secondsBounds = [
  0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
  2.5, 5, 10,
] as const;

export const batchSizeBounds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] as const;
