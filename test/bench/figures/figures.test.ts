// Figures that are no rows: names, choice, targets, and the table that shows them.
import { expect, test } from 'vitest';
import { entriesThatFit } from '../../../bench/figures/entries-that-fit.ts';
import { isMet, type Figure } from '../../../bench/figures/figure.ts';
import { latencyRatio } from '../../../bench/figures/latency.ts';
import { metricsIn } from '../../../bench/figures/metrics.ts';
import { chooseWork, parts } from '../../../bench/figures/parts.ts';
import { figuresTable } from '../../../bench/report/figures-table.ts';
import { rows } from '../../../bench/rows/rows.ts';

const atMost: Figure = {
  name: 'start',
  value: 400,
  unit: 'ms',
  target: { side: 'most', value: 400 },
};
const atLeast: Figure = {
  name: 'recovery',
  value: 999_999,
  unit: 'entries/s',
  target: { side: 'least', value: 1_000_000 },
};

test('rows and parts have names of their own', () => {
  const names = [...rows, ...parts].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

test('rows and parts are chosen together by name', () => {
  const chosen = chooseWork('get-hot,memory,start');
  expect(chosen.rows.map(({ name }) => name)).toEqual(['get-hot']);
  expect(chosen.parts.map(({ name }) => name)).toEqual(['memory', 'start']);
  expect(chooseWork(undefined)).toEqual({ rows, parts });
});

test('a name that is neither is refused, and those of both are named', () => {
  expect(() => chooseWork('memory,disk')).toThrow(
    /^--only names "disk"; allowed: get-hot, .*memory.*\. Nothing was measured\.$/,
  );
});

test('a figure is at most or at least its target, and none without a value', () => {
  expect(isMet(atMost)).toBe(true);
  expect(isMet({ ...atMost, value: 401 })).toBe(false);
  expect(isMet(atLeast)).toBe(false);
  expect(isMet({ ...atLeast, value: 1_000_000 })).toBe(true);
  expect(isMet({ ...atLeast, value: undefined })).toBe(false);
});

test('the table shows targets as met, short or not measured, and notes', () => {
  const missing = { ...atLeast, value: undefined, note: 'a program is missing' };
  const noted = { name: 'entries', value: 3, unit: '', note: 'no memory for more' };
  const figures = [atMost, atLeast, missing, noted];
  const table = figuresTable([{ part: 'some', figures }]);
  const lines = table.trim().split('\n').slice(2);
  expect(lines.map((line) => line.split('|').map((cell) => cell.trim()))).toEqual([
    ['', 'some', 'start', '400 ms', '≤ 400 ms', 'met', ''],
    ['', 'some', 'recovery', '999,999 entries/s', '≥ 1,000,000 entries/s', 'short', ''],
    ['', 'some', 'recovery', '', '≥ 1,000,000 entries/s', 'not measured: a program is missing', ''],
    ['', 'some', 'entries', '3', '', 'no memory for more', ''],
  ]);
  expect(figuresTable([])).toBe('');
});

test('entries are fewer if the memory is too small for those that are wanted', () => {
  expect(entriesThatFit(1000, 1_000_000)).toBe(1000);
  expect(entriesThatFit(10_000_000, 2 ** 30)).toBe(1_100_000);
});

test('a ratio of latencies is given if it tells whether the target is met', () => {
  expect(latencyRatio(10, 15, 1.5)).toBe(1.5);
  // Requests are given up after 250 ms: the second latency would have been longer still.
  expect(latencyRatio(10, 250, 1.5)).toBe(25);
  expect(latencyRatio(200, 250, 1.5)).toBeUndefined();
  expect(latencyRatio(250, 250, 1.5)).toBeUndefined();
  expect(latencyRatio(250, 10, 1.5)).toBeUndefined();
});

test('shards and compactions are read from the metrics of a server', () => {
  const text = [
    'holdfast_shard_entries{shard="0"} 5',
    'holdfast_shard_entries{shard="1"} 6',
    'holdfast_compactions_total{result="completed"} 3',
    'holdfast_compactions_running 1',
  ].join('\n');
  expect(metricsIn(text)).toEqual({ shards: 2, compactionsCompleted: 3, compactionsRunning: 1 });
});
