// CPU time is read from /proc: of threads and ended children, also if a name has odd characters.
import { expect, test } from 'vitest';
import { cpuMicrosecondsOf, ticksIn } from '../../../bench/measuring/cpu-time.ts';

test('user and system time count, of the process and of its ended children', () => {
  const stat = '42 (a) b (c) S 1 42 42 0 -1 4194304 900 800 0 0 1000 200 30 4 20 0 11 0 99 0';
  expect(ticksIn(stat)).toBe(1234);
});

test('a process that computes has taken more CPU afterwards', () => {
  const before = cpuMicrosecondsOf([process.pid]);
  const until = performance.now() + 60;
  while (performance.now() < until) Math.sqrt(until);
  expect(cpuMicrosecondsOf([process.pid])).toBeGreaterThanOrEqual(before);
  expect(cpuMicrosecondsOf([process.pid, process.pid])).toBeGreaterThan(before);
});
