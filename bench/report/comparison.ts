// The table of bench:compare: two sides of each row beside each other.
import type { RowResult } from '../measuring/measure-row.ts';
import { figuresOf, ratiosOf } from './side-figures.ts';
import { grouped, markdownTable } from './table.ts';

const heading = [
  'row',
  'fsync',
  'A op/s',
  'A min–max',
  'B op/s',
  'B min–max',
  'B/A',
  'A µs CPU',
  'B µs CPU',
  'B/A CPU',
];

function rowOf({ row, sides }: RowResult): string[] {
  const [a, b] = sides;
  if (a === undefined || b === undefined) throw new Error(`${row.name} has no two sides`);
  const [figuresA, figuresB, ratios] = [figuresOf(a), figuresOf(b), ratiosOf(b, a)];
  const spread = ({ rate }: typeof figuresA) => `${grouped(rate.least)}–${grouped(rate.most)}`;
  return [
    row.name,
    row.fsync,
    grouped(figuresA.rate.better),
    spread(figuresA),
    grouped(figuresB.rate.better),
    spread(figuresB),
    ratios.rate.toFixed(2),
    figuresA.cpuMicroseconds.toFixed(1),
    figuresB.cpuMicroseconds.toFixed(1),
    ratios.cpu.toFixed(2),
  ];
}

export function comparisonTable(results: readonly RowResult[]): string {
  return markdownTable([heading, ...results.map(rowOf)]);
}
