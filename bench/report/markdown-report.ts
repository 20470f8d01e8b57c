// The report of a run: a table of all sides, a table of targets, and the conditions.
import type { PartResult } from '../figures/figure.ts';
import type { RowResult, SideResult } from '../measuring/measure-row.ts';
import { describeTarget, targets } from '../rows/targets.ts';
import { figuresTable } from './figures-table.ts';
import { judgeTargets, type JudgedTarget } from './judged-targets.ts';
import { figuresOf, ratiosOf } from './side-figures.ts';
import { grouped, markdownTable } from './table.ts';

export interface Missing {
  readonly name: string;
  readonly why: string;
}

export interface Run {
  /** ISO 8601. */
  readonly startedAt: string;
  /** The commit, and whether files differ from it. */
  readonly commit: string;
  readonly machine: string;
  readonly load: string;
  readonly pins: string;
  readonly rounds: string;
  readonly missing: readonly Missing[];
  readonly results: readonly RowResult[];
  /** Of the parts that are no rows. */
  readonly figures: readonly PartResult[];
}

const heading = [
  'row',
  'fsync',
  'side',
  'op/s',
  'min–max',
  'Holdfast/side',
  'µs CPU',
  'CPU Holdfast/side',
  'p50 ms',
  'p99 ms',
];

function cellsOf({ row }: RowResult, side: SideResult, ours: SideResult): string[] {
  const { rate, cpuMicroseconds, p50Ms, p99Ms } = figuresOf(side);
  const ratios = ratiosOf(ours, side);
  const isOurs = side === ours;
  return [
    row.name,
    row.fsync,
    side.name,
    grouped(rate.better),
    `${grouped(rate.least)}–${grouped(rate.most)}`,
    isOurs ? '' : ratios.rate.toFixed(2),
    cpuMicroseconds.toFixed(1),
    isOurs ? '' : ratios.cpu.toFixed(2),
    p50Ms.toFixed(2),
    p99Ms.toFixed(2),
  ];
}

export function sidesTable(results: readonly RowResult[]): string {
  const rows = results.flatMap((result) => {
    const [ours] = result.sides;
    return ours === undefined ? [] : result.sides.map((side) => cellsOf(result, side, ours));
  });
  return markdownTable([heading, ...rows]);
}

function verdictOf({ reached, isMet }: JudgedTarget): string {
  if (reached === undefined) return 'not measured';
  return isMet ? 'met' : 'short';
}

export function targetsTable(results: readonly RowResult[]): string {
  const rows = judgeTargets(results, targets).map((judged) => [
    judged.target.row,
    describeTarget(judged.target),
    judged.reached?.toFixed(2) ?? '',
    verdictOf(judged),
  ]);
  return rows.length === 0 ? '' : markdownTable([['row', 'target', 'reached', ''], ...rows]);
}

/** Versions and settings, which differ from row to row. */
function settingsList(results: readonly RowResult[]): string {
  const lines = results.flatMap(({ row, sides }) =>
    sides.map(
      ({ name, versions, settings, load }) =>
        `- ${row.name}, ${name}: ${settings}; ${versions}; load: ${load}\n`,
    ),
  );
  return lines.join('');
}

const explanation = `The figures of a side are those of its better quartile of rounds in operations a second, beside the
least and the most of all rounds, and the median of the CPU that all its processes took for an
operation, in microseconds. Latencies are medians over the rounds of a closed loop. Every reply was
checked for success, and the bodies of replies while warming up. Samples of values were compared byte
by byte before and after each row.
`;

export function markdownReport(run: Run): string {
  const { startedAt, commit, machine, load, pins, rounds, missing, results, figures } = run;
  const charts = results.map(({ row }) => `![${row.name}](${row.name}.svg)\n`).join('\n');
  const absent = missing.map(({ name, why }) => `- ${name}: ${why}\n`).join('');
  return [
    `# Bench of ${startedAt}\n`,
    `- Commit: ${commit}\n- Machine: ${machine}\n- Load: ${load}; ${pins}\n- Rounds: ${rounds}\n`,
    explanation,
    `## Targets\n\n${targetsTable(results) || 'The rows have none.\n'}`,
    '![targets](targets.svg)\n',
    `## Figures\n\n${figuresTable(figures) || 'None were measured.\n'}`,
    `## Rows\n\n${sidesTable(results)}`,
    charts,
    `## Missing\n\n${absent || 'No contender was missing.\n'}`,
    `## Settings\n\n${settingsList(results)}`,
  ].join('\n');
}
