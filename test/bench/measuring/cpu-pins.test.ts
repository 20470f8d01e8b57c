// The load generator has a core of its own, and servers keep two cores at least.
import { expect, test } from 'vitest';
import { describePins, pinned, pinsFor } from '../../../bench/measuring/cpu-pins.ts';

test('on two cores the load has the last one, and servers may use both', () => {
  expect(pinsFor('auto', 2)).toEqual({ load: '1', servers: undefined });
  expect(pinsFor('both', 2)).toEqual({ load: '1', servers: '0' });
});

test('on more cores servers have all but the last one', () => {
  expect(pinsFor('auto', 8)).toEqual({ load: '7', servers: '0-6' });
  expect(pinsFor('load', 8)).toEqual({ load: '7', servers: undefined });
});

test('on one core, or if it is not wanted, no process is pinned', () => {
  const free = { load: undefined, servers: undefined };
  expect(pinsFor('both', 1)).toEqual(free);
  expect(pinsFor('none', 8)).toEqual(free);
  expect(describePins(free)).toBe('no process is pinned');
  expect(pinned(undefined, ['wrk'])).toEqual(['wrk']);
});

test('a pinned command begins with taskset', () => {
  expect(pinned('1', ['wrk', '-t1'])).toEqual(['taskset', '-c', '1', 'wrk', '-t1']);
});
