// Latencies of many requests in short.
import { quantileOf } from './open-loop.ts';

export interface Latencies {
  readonly count: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** @param ascending milliseconds */
export function latenciesOf(ascending: readonly number[]): Latencies {
  return {
    count: ascending.length,
    p50Ms: quantileOf(ascending, 0.5),
    p90Ms: quantileOf(ascending, 0.9),
    p99Ms: quantileOf(ascending, 0.99),
    maxMs: quantileOf(ascending, 1),
  };
}
