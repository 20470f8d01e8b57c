import { expect, test } from 'vitest';
import { StampClock } from '../../src/base/clock.ts';
import { ManualClock } from '../support/simulated/manual-clock.ts';

test('stamps follow the wall clock and never go back', () => {
  const clock = new ManualClock(1000);
  const stamps = new StampClock(clock);
  expect(stamps.stamp()).toBe(1000);
  clock.jump(500);
  expect(stamps.stamp()).toBe(1500);
  clock.jump(-1400);
  expect(stamps.stamp()).toBe(1500);
});

test('stamps start no lower than what was found on disk', () => {
  const stamps = new StampClock(new ManualClock(1000));
  stamps.raiseFloor(5000);
  stamps.raiseFloor(2000);
  expect(stamps.stamp()).toBe(5000);
});
