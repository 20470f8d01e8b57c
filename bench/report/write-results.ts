// Writes the folder of a run: report.md, raw.json and a chart for each row.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RowResult } from '../measuring/measure-row.ts';
import { describeTarget, targets } from '../rows/targets.ts';
import { barChart } from './bar-chart.ts';
import { judgeTargets } from './judged-targets.ts';
import { markdownReport, type Run } from './markdown-report.ts';
import { figuresOf } from './side-figures.ts';
import { grouped } from './table.ts';

export function chartOf({ row, sides }: RowResult): string {
  return barChart({
    title: `${row.name}: operations a second`,
    subtitle: `fsync ${row.fsync}, ${row.connections} connections, values of ${row.valueBytes} bytes; better quartile, line from least to most`,
    bars: sides.map((side, index) => {
      const { rate, cpuMicroseconds } = figuresOf(side);
      const text = `${grouped(rate.better)}, ${cpuMicroseconds.toFixed(1)} µs CPU`;
      const { better: value, least, most } = rate;
      return { label: side.name, value, least, most, text, isOurs: index === 0 };
    }),
  });
}

/** Bars at the mark reach their targets: rates divided by them, and CPU the other way round. */
export function targetsChart(results: readonly RowResult[]): string {
  const bars = judgeTargets(results, targets).flatMap(({ target, reached, isMet }) => {
    if (reached === undefined) return [];
    const value = target.measure === 'rate' ? reached / target.ratio : target.ratio / reached;
    const text = `${reached.toFixed(2)}, ${isMet ? 'met' : 'short'}`;
    return [{ label: `${target.row} ${describeTarget(target)}`, value, text, isOurs: isMet }];
  });
  const subtitle = 'ratio of Holdfast to a peer, as a share of its target';
  return barChart({ title: 'Targets', subtitle, bars, mark: 1 });
}

/** @param folder is made if it is missing; files of an earlier write are replaced */
export async function writeResults(folder: string, run: Run): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'raw.json'), `${JSON.stringify(run, undefined, 2)}\n`);
  await writeFile(join(folder, 'report.md'), markdownReport(run));
  await writeFile(join(folder, 'targets.svg'), targetsChart(run.results));
  for (const result of run.results) {
    await writeFile(join(folder, `${result.row.name}.svg`), chartOf(result));
  }
}
