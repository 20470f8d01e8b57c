// Summarizes the rounds of a side: the better quartile, the spread and the median.
import { median } from '../median.ts';

export interface Summary {
  /** A quarter of the rounds was as good or better. With up to four rounds it is the best one. */
  readonly better: number;
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/**
 * @param values of rounds, in any order; greater ones are better
 * @throws Error if there are none
 */
export function summarize(values: readonly number[]): Summary {
  const ascending = values.toSorted((a, b) => a - b);
  const better = ascending[Math.floor(ascending.length * 0.75)];
  const [least] = ascending;
  const most = ascending.at(-1);
  if (better === undefined || least === undefined || most === undefined) {
    throw new Error('summary of nothing');
  }
  return { better, median: median(values), least, most };
}

/** The median of the ratios of two sides' values, round by round. */
export function medianRatio(values: readonly number[], beside: readonly number[]): number {
  const pairs = Math.min(values.length, beside.length);
  return median(values.slice(0, pairs).map((value, round) => value / (beside[round] ?? NaN)));
}
