import { expect, test } from 'vitest';
import { Progress } from '../../src/tools/progress.ts';

function startProgress() {
  const lines: string[] = [];
  let now = 5000;
  const progress = new Progress({ print: (line) => lines.push(line), monotonicMs: () => now });
  const advance = (ms: number, bytes: number): void => {
    now += ms;
    progress.advance(bytes);
  };
  return { progress, lines, advance };
}

test('work that takes less than a second prints nothing', () => {
  const { progress, lines, advance } = startProgress();
  progress.begin('reading', 1000);
  for (let step = 0; step < 9; step++) advance(111, 100);
  expect(lines).toEqual([]);
});

test('long work prints its share at most once a second', () => {
  const { progress, lines, advance } = startProgress();
  progress.begin('reading', 4_000_000);
  for (let step = 0; step < 30; step++) advance(100, 100_000);
  expect(lines).toEqual([
    'reading: 25 % of 3.8 MiB',
    'reading: 50 % of 3.8 MiB',
    'reading: 75 % of 3.8 MiB',
  ]);
});

test('each piece of work counts from zero, and never past its end', () => {
  const { progress, lines, advance } = startProgress();
  progress.begin('reading', 100);
  advance(1000, 100);
  progress.begin('checking', 0);
  advance(1000, 5);
  expect(lines).toEqual(['reading: 100 % of 0.0 MiB', 'checking: 100 % of 0.0 MiB']);
});

test('work of unknown size prints the amount done', () => {
  const { progress, lines, advance } = startProgress();
  progress.begin('taking', undefined);
  advance(1000, 3 * 2 ** 20);
  expect(lines).toEqual(['taking: 3.0 MiB']);
});
