// Figures of a side, and the ratio of two sides of a row, as tables and targets need them.
import type { RoundResult, SideResult } from '../measuring/measure-row.ts';
import { medianRatio, summarize, type Summary } from '../measuring/quartiles.ts';
import { median } from '../median.ts';

const cpuOf = (side: Pick<SideResult, 'rounds'>): number[] =>
  each(side, (round) => round.cpuMicroseconds);

export interface SideFigures {
  /** Operations a second. */
  readonly rate: Summary;
  /** Median microseconds an operation. */
  readonly cpuMicroseconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const each = (
  { rounds }: Pick<SideResult, 'rounds'>,
  figure: (round: RoundResult) => number,
): number[] => rounds.map(figure);

export function figuresOf(side: Pick<SideResult, 'rounds'>): SideFigures {
  return {
    rate: summarize(each(side, (round) => round.operationsPerSecond)),
    cpuMicroseconds: median(cpuOf(side)),
    p50Ms: median(each(side, (round) => round.p50Ms)),
    p99Ms: median(each(side, (round) => round.p99Ms)),
  };
}

export interface Ratios {
  /** Of the better quartiles of operations a second. */
  readonly rate: number;
  /** The median over the rounds. */
  readonly cpu: number;
}

export function ratiosOf(
  side: Pick<SideResult, 'rounds'>,
  beside: Pick<SideResult, 'rounds'>,
): Ratios {
  return {
    rate: figuresOf(side).rate.better / figuresOf(beside).rate.better,
    cpu: medianRatio(cpuOf(side), cpuOf(beside)),
  };
}
