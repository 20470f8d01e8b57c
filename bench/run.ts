// Measures all rows on Holdfast and on every peer that the machine has, at equal durability, and the
// figures that are no rows. Prints tables of the figures and of the targets. Writes a report, raw figures
// and charts to bench/results/, or to the folder of --out.
//
//   npm run bench -- --only get-hot,memory --peers webdis,bare --rounds 16 --seconds 1
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { programFolder } from '../src/base/program-folder.ts';
import { choosePeers } from './contenders/contenders.ts';
import type { Contender } from './contenders/contender.ts';
import { holdfast } from './contenders/holdfast.ts';
import type { Part, PartPlan, PartResult } from './figures/figure.ts';
import { chooseWork, measurePart } from './figures/parts.ts';
import { chooseLoad } from './loads/choose-load.ts';
import { machineFacts } from './machine-facts.ts';
import { runScript, withBelongings, type Belongings } from './measuring/belongings.ts';
import { describePins, readPins, type CpuPins } from './measuring/cpu-pins.ts';
import { limitMsOf, measureRow, type RoundsPlan, type RowResult } from './measuring/measure-row.ts';
import { endProgress, tellProgress } from './measuring/progress.ts';
import { missingVariants } from './measuring/side.ts';
import { describeRounds, readRounds, roundOptions } from './measuring/round-options.ts';
import { figuresTable } from './report/figures-table.ts';
import { sidesTable, targetsTable, type Missing, type Run } from './report/markdown-report.ts';
import { writeResults } from './report/write-results.ts';
import type { Row } from './rows/row.ts';

interface Plan {
  readonly rows: readonly Row[];
  readonly parts: readonly Part[];
  readonly partPlan: PartPlan;
  /** Holdfast first. */
  readonly contenders: readonly Contender[];
  readonly rounds: RoundsPlan;
  readonly pins: CpuPins;
  readonly folder: string;
  readonly isShort: boolean;
}

const besideRowsMs = 60_000;
/** A short run shows that the bench works. It needs no long fill, and must end soon. */
const shortKeysMax = 10_000;
const shortNote = ', short: 10,000 keys at most, so the figures tell nothing';
const shortRounds = { rounds: 1, seconds: 1, warmSeconds: 0 } as const;
/** One of each kind of work, and the parts that need no load. */
const shortWork =
  'get-hot,put-always,pipeline-get-100,pipeline-set-100,list-100,transaction-2-shards,get-auth,start,memory';

/** A median of so many starts is steady. */
const fullEntries = { entries: 1_000_000, manyEntries: 10_000_000, starts: 3 } as const;
const shortEntries = { entries: 20_000, manyEntries: 40_000, starts: 1 } as const;

async function commitOf(belongings: Belongings): Promise<string> {
  const git = (...words: string[]) =>
    belongings.run(['git', ...words], { cwd: programFolder }).catch(() => 'unknown');
  const commit = (await git('log', '-1', '--format=%h %s')).trim();
  const changes = await git('status', '--porcelain', '--untracked-files=no');
  return changes.trim() === '' ? commit : `${commit}, with changes that are not committed`;
}

function missingOf({ rows, contenders }: Plan): Missing[] {
  const peers = contenders.flatMap(({ name, missing }) => {
    const why = missing();
    return why === undefined ? [] : [{ name, why }];
  });
  const variants = rows.flatMap((row) =>
    missingVariants(row).map(({ name, why }) => ({ name: `${name} (${row.name})`, why })),
  );
  return [...peers, ...variants];
}

async function measure(plan: Plan, belongings: Belongings): Promise<void> {
  const { rows, parts, contenders, rounds, pins, folder } = plan;
  const load = await chooseLoad(belongings, pins.load);
  const results: RowResult[] = [];
  const figures: PartResult[] = [];
  const run: Run = {
    startedAt: new Date().toISOString(),
    commit: await commitOf(belongings),
    machine: machineFacts(await belongings.folder()),
    load: load.name,
    pins: describePins(pins),
    rounds: describeRounds(rounds) + (plan.isShort ? shortNote : ''),
    missing: missingOf(plan),
    results,
    figures,
  };
  for (const { name, why } of run.missing) process.stderr.write(`${name} is left out: ${why}\n`);
  for (const row of rows) {
    const limitMs = limitMsOf(row, contenders, rounds);
    // The servers of a row end with it: the next row has the machine for itself.
    const rowRun = { row, contenders, plan: rounds, pins, load, tell: tellProgress };
    results.push(await withBelongings(limitMs, (ofRow) => measureRow(rowRun, ofRow), belongings));
    // After each row: a run that fails late has its rows.
    await writeResults(folder, run);
  }
  for (const part of parts) {
    const partRun = { ...plan.partPlan, load, tell: tellProgress };
    figures.push(await measurePart(part, partRun, belongings));
    await writeResults(folder, run);
  }
  endProgress();
  process.stdout.write(`${run.machine}\n${run.load}, ${run.pins}, ${run.rounds}\n\n`);
  const tables = [sidesTable(results), targetsTable(results), figuresTable(figures)];
  process.stdout.write(
    `${tables.filter((table) => table !== '').join('\n')}\nReport in ${folder}\n`,
  );
}

function readPlan(): Plan {
  const { values } = parseArgs({
    options: {
      ...roundOptions,
      peers: { type: 'string' },
      out: { type: 'string' },
      short: { type: 'boolean', default: false },
    },
  });
  const chosen = chooseWork(values.only ?? (values.short ? shortWork : undefined));
  const pins = readPins(values.pin);
  const rounds = values.short ? shortRounds : readRounds(values);
  const minute = new Date().toISOString().slice(0, 16).replace(':', '');
  return {
    rows: values.short
      ? chosen.rows.map((row) => ({ ...row, keys: Math.min(row.keys, shortKeysMax) }))
      : chosen.rows,
    parts: chosen.parts,
    partPlan: {
      ...(values.short ? shortEntries : fullEntries),
      rounds: rounds.rounds,
      seconds: rounds.seconds,
      pins,
    },
    contenders: [holdfast('holdfast'), ...choosePeers(values.peers)],
    rounds,
    isShort: values.short,
    pins,
    folder: values.out ?? join(programFolder, 'bench', 'results', minute),
  };
}

await runScript(async () => {
  const plan = readPlan();
  const limits = [
    besideRowsMs,
    ...plan.rows.map((row) => limitMsOf(row, plan.contenders, plan.rounds)),
    ...plan.parts.map((part) => part.limitMs(plan.partPlan)),
  ];
  const limitMs = limits.reduce((sum, limit) => sum + limit, 0);
  await withBelongings(limitMs, (belongings) => measure(plan, belongings));
});
