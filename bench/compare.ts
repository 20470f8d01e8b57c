// Compares two commits of this repository, or one with the working tree (`.`). Both are built in
// temporary folders and serve at the same time with the same settings and entries. Short rounds of load
// alternate between them. Prints operations a second (the better quartile of the rounds, and the
// spread), the servers' CPU an operation (medians), and the ratios of B to A.
//
//   npm run bench:compare -- main . --only get-hot,put-interval --rounds 16 --seconds 1
import { parseArgs } from 'node:util';
import { holdfast } from './contenders/holdfast.ts';
import { chooseLoad } from './loads/choose-load.ts';
import { machineFacts } from './machine-facts.ts';
import { runScript, withBelongings, type Belongings } from './measuring/belongings.ts';
import { describePins, readPins, type CpuPins } from './measuring/cpu-pins.ts';
import { limitMsOf, measureRow, type RoundsPlan, type RowResult } from './measuring/measure-row.ts';
import { endProgress, tellProgress } from './measuring/progress.ts';
import { buildRef } from './measuring/ref-build.ts';
import { describeRounds, readRounds, roundOptions } from './measuring/round-options.ts';
import { comparisonTable } from './report/comparison.ts';
import type { Row } from './rows/row.ts';
import { chooseRows } from './rows/rows.ts';

interface Comparison {
  readonly refs: readonly [string, string];
  readonly rows: readonly Row[];
  readonly plan: RoundsPlan;
  readonly pins: CpuPins;
}

const buildLimitMs = 15 * 60 * 1000;

async function compare({ refs, rows, plan, pins }: Comparison, belongings: Belongings) {
  tellProgress(`builds ${refs.join(' and ')}`);
  const a = await buildRef(refs[0], belongings);
  const b = await buildRef(refs[1], belongings);
  const contenders = [holdfast('A', a.folder), holdfast('B', b.folder)];
  const load = await chooseLoad(belongings, pins.load);
  const facts = machineFacts(await belongings.folder());
  endProgress();
  process.stdout.write(`A: ${a.description}\nB: ${b.description}\n${facts}\n`);
  process.stdout.write(`${load.name}, ${describePins(pins)}, ${describeRounds(plan)}\n\n`);
  const results: RowResult[] = [];
  for (const row of rows) {
    // The servers of a row end with it: the next row has the machine for itself.
    const run = { row, contenders, plan, pins, load, tell: tellProgress };
    const limitMs = limitMsOf(row, contenders, plan);
    results.push(await withBelongings(limitMs, (ofRow) => measureRow(run, ofRow), belongings));
  }
  endProgress();
  process.stdout.write(comparisonTable(results));
}

function readArguments(): Comparison {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: roundOptions });
  const [refA, refB, ...others] = positionals;
  if (refA === undefined || refB === undefined || others.length > 0) {
    const allowed = 'two commits, of which one may be . for the working tree';
    throw new Error(
      `${positionals.length} commits are named; allowed: ${allowed}. Nothing was measured.`,
    );
  }
  // Variants would be more sides than two, and a row alone one.
  const rows = chooseRows(values.only).map(({ variants: _variants, alone: _alone, ...row }) => row);
  return { refs: [refA, refB], rows, plan: readRounds(values), pins: readPins(values.pin) };
}

await runScript(async () => {
  const comparison = readArguments();
  const { rows, plan } = comparison;
  const both = [holdfast('A'), holdfast('B')];
  const rowsMs = rows.reduce((sum, row) => sum + limitMsOf(row, both, plan), 0);
  await withBelongings(buildLimitMs + rowsMs, (belongings) => compare(comparison, belongings));
});
