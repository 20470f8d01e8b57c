// The table of figures that are no rates of rows, with their targets.
import { isMet, type Bound, type Figure, type PartResult } from '../figures/figure.ts';
import { grouped, markdownTable } from './table.ts';

const shown = (value: number, unit: string, digits: number): string => {
  const number = digits === 0 ? grouped(value) : value.toFixed(digits);
  return unit === '' ? number : `${number} ${unit}`;
};

export function describeBound({ side, value }: Bound, unit: string): string {
  const number = value.toLocaleString('en-US');
  return `${side === 'most' ? '≤' : '≥'} ${number}${unit === '' ? '' : ` ${unit}`}`;
}

function verdictOf(figure: Figure): string {
  if (figure.value === undefined) return `not measured: ${figure.note ?? 'no reason is known'}`;
  if (figure.target === undefined) return figure.note ?? '';
  return isMet(figure) ? 'met' : 'short';
}

function cellsOf(part: string, figure: Figure): string[] {
  const { name, value, unit, digits = 0, target } = figure;
  return [
    part,
    name,
    value === undefined ? '' : shown(value, unit, digits),
    target === undefined ? '' : describeBound(target, unit),
    verdictOf(figure),
  ];
}

/** @returns nothing if no part was measured */
export function figuresTable(results: readonly PartResult[]): string {
  const lines = results.flatMap(({ part, figures }) =>
    figures.map((figure) => cellsOf(part, figure)),
  );
  if (lines.length === 0) return '';
  return markdownTable([['part', 'figure', 'reached', 'target', ''], ...lines]);
}
