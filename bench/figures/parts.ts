// All parts of the bench that are no rows, the choice among parts and rows, and the run of parts.
import { withBelongings, type Belongings } from '../measuring/belongings.ts';
import type { Row } from '../rows/row.ts';
import { rowNamed, rows } from '../rows/rows.ts';
import type { Part, PartResult, PartRun } from './figure.ts';
import { latencyOfCompaction, latencyOfEntries } from './latency.ts';
import { memory } from './memory.ts';
import { recovery, recoveryAfterKill } from './recovery.ts';
import { start } from './start.ts';

export const parts: readonly Part[] = [
  start,
  recovery,
  recoveryAfterKill,
  memory,
  latencyOfEntries,
  latencyOfCompaction,
];

/**
 * @param only names of rows and parts with commas between them; undefined for all
 * @throws Error that names the rows and parts there are
 */
export function chooseWork(only: string | undefined): {
  rows: readonly Row[];
  parts: readonly Part[];
} {
  if (only === undefined) return { rows, parts };
  const names = only.split(',');
  const partNames = parts.map(({ name }) => name);
  return {
    rows: names
      .filter((name) => !partNames.includes(name))
      .map((name) => rowNamed(name, partNames)),
    parts: names.flatMap((name) => parts.filter((part) => part.name === name)),
  };
}

/**
 * Measures a part. Its servers end with it.
 *
 * @param outer the run that it is a part of
 */
export async function measurePart(
  part: Part,
  run: Omit<PartRun, 'belongings'>,
  outer: Belongings,
): Promise<PartResult> {
  const work = (belongings: Belongings) => part.measure({ ...run, belongings });
  return { part: part.name, figures: await withBelongings(part.limitMs(run), work, outer) };
}
