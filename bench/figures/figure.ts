// The types of figures that are no rates of rows: times, memory, latencies. Knows no part and no report.
import type { Load } from '../loads/load.ts';
import type { Belongings } from '../measuring/belongings.ts';
import type { CpuPins } from '../measuring/cpu-pins.ts';

/** A figure must be at most, or at least, so much. */
export interface Bound {
  readonly side: 'most' | 'least';
  readonly value: number;
}

export interface Figure {
  readonly name: string;
  /** Undefined: it could not be measured here. */
  readonly value: number | undefined;
  readonly unit: string;
  /** Digits behind the point that a reader needs. */
  readonly digits?: number;
  readonly target?: Bound;
  /** Said beside the figure, such as why it is missing. */
  readonly note?: string;
}

export interface PartPlan {
  /** In the stores of most parts. */
  readonly entries: number;
  /** In the store of the part that compares many entries with few. */
  readonly manyEntries: number;
  /** Rounds of load, and the seconds of each. */
  readonly rounds: number;
  readonly seconds: number;
  /** Starts of a server for each figure. */
  readonly starts: number;
  readonly pins: CpuPins;
}

/** A part runs with servers of its own. */
export interface PartRun extends PartPlan {
  readonly load: Load;
  readonly belongings: Belongings;
  readonly tell: (text: string) => void;
}

export interface Part {
  readonly name: string;
  /** A part that takes longer has failed. */
  readonly limitMs: (plan: PartPlan) => number;
  /** @throws Error if a reply was wrong or missing, or if the figures would mean nothing */
  readonly measure: (run: PartRun) => Promise<Figure[]>;
}

export interface PartResult {
  readonly part: string;
  readonly figures: readonly Figure[];
}

export function isMet({ value, target }: Figure): boolean {
  if (value === undefined || target === undefined) return false;
  return target.side === 'most' ? value <= target.value : value >= target.value;
}

/** So many entries are written in a second at least, or the part has failed. */
const fillRateLeast = 10_000;

export function fillLimitMs(entries: number): number {
  return 60_000 + (entries / fillRateLeast) * 1000;
}
