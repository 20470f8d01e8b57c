import { expect, test } from 'vitest';
import { TimestampClock } from '../../src/base/clock.ts';
import { ManualClock } from '../support/simulated/manual-clock.ts';

test('timestamps follow the wall clock and never go back', () => {
  const clock = new ManualClock(1000);
  const timestamps = new TimestampClock(clock);
  expect(timestamps.timestamp()).toBe(1000);
  clock.jump(500);
  expect(timestamps.timestamp()).toBe(1500);
  clock.jump(-1400);
  expect(timestamps.timestamp()).toBe(1500);
});

test('timestamps start no lower than what was found on disk', () => {
  const timestamps = new TimestampClock(new ManualClock(1000));
  timestamps.raiseFloor(5000);
  timestamps.raiseFloor(2000);
  expect(timestamps.timestamp()).toBe(5000);
});
