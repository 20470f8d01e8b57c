// The tables of a run and of a comparison: ratios, targets met and short, and what is missing.
import { expect, test } from 'vitest';
import { comparisonTable } from '../../../bench/report/comparison.ts';
import {
  markdownReport,
  sidesTable,
  targetsTable,
  type Run,
} from '../../../bench/report/markdown-report.ts';
import { markdownTable } from '../../../bench/report/table.ts';
import { rowNamed } from '../../../bench/rows/rows.ts';

const side = (name: string, rates: readonly number[], cpuMicroseconds: number) => ({
  name,
  versions: `${name} 1`,
  settings: 'plain',
  load: 'wrk 4',
  rounds: rates.map((operationsPerSecond) => ({
    operationsPerSecond,
    cpuMicroseconds,
    p50Ms: 1,
    p99Ms: 2,
  })),
});

const row = rowNamed('get-hot');
const result = {
  row,
  sides: [side('holdfast', [30_000, 40_000], 10), side('webdis', [20_000, 25_000], 20)],
};

const cellsOf = (line: string): string[] => line.split('|').map((cell) => cell.trim());
const linesOf = (table: string): string[][] => table.trim().split('\n').map(cellsOf);

test('each side has a line, and a ratio to it', () => {
  const [, , ours = [], webdis = []] = linesOf(sidesTable([result]));
  expect(ours.slice(1, 7)).toEqual([
    'get-hot',
    'always',
    'holdfast',
    '40,000',
    '30,000–40,000',
    '',
  ]);
  expect(webdis.slice(3, 9)).toEqual(['webdis', '25,000', '20,000–25,000', '1.60', '20.0', '0.50']);
});

test('each target of a measured row is met, short, or not measured', () => {
  const lines = linesOf(targetsTable([result])).slice(2);
  expect(lines.map((cells) => cells.slice(2, 5))).toEqual([
    ['≥ 1.3 of webdis', '1.60', 'met'],
    ['≥ 1.5 of bare', '', 'not measured'],
    ['CPU ≤ 0.6 of webdis', '0.50', 'met'],
  ]);
  const slow = { ...result, sides: [side('holdfast', [1], 99), side('webdis', [1], 1)] };
  expect(targetsTable([slow])).toContain('short');
});

test('a report names the contenders that the machine lacks, and settings', () => {
  const run: Run = {
    startedAt: '2026-11-30T00:00:00Z',
    commit: 'abc',
    machine: '2 x CPU',
    load: 'wrk 4',
    pins: 'none',
    rounds: '2 rounds',
    missing: [{ name: 'etcd', why: 'etcd is not installed' }],
    results: [result],
    figures: [{ part: 'start', figures: [{ name: 'start', value: 1, unit: 'ms' }] }],
  };
  const text = markdownReport(run);
  expect(text).toContain('- etcd: etcd is not installed\n');
  expect(text).toContain('- get-hot, webdis: plain; webdis 1; load: wrk 4\n');
  expect(text).toMatch(/^\| start +\| +start +\| +1 ms/m);
  expect(text).toContain('![get-hot](get-hot.svg)');
});

test('a comparison gives the ratios of B to A', () => {
  const [, , line = []] = linesOf(comparisonTable([result]));
  expect(line.slice(1, -1)).toEqual([
    'get-hot',
    'always',
    '40,000',
    '30,000–40,000',
    '25,000',
    '20,000–25,000',
    '0.63',
    '10.0',
    '20.0',
    '2.00',
  ]);
});

test('a table is aligned as a formatter would align it', () => {
  expect(
    markdownTable([
      ['row', 'op/s'],
      ['a', '12,345'],
    ]),
  ).toBe('| row |   op/s |\n| --- | -----: |\n| a   | 12,345 |\n');
});
