import { describe, expect, test } from 'vitest';
import { RateBucket } from '../../src/access/rate-bucket.ts';
import { randomBelow, seededRandom, type Random } from '../support/random.ts';

describe('a bucket', () => {
  test('lets in a burst of one second’s worth, and then as many a second as it should', () => {
    const bucket = new RateBucket(3);
    const taken = [0, 0, 0, 0].map((nowMs) => bucket.take(1, nowMs));
    expect(taken).toEqual([0, 0, 0, 334]);
    expect(bucket.take(1, 333)).toBe(1);
    expect(bucket.take(1, 334)).toBe(0);
    expect(bucket.take(1, 334)).toBe(333);
  });

  test('refills all the time, and not once a second', () => {
    const bucket = new RateBucket(10);
    for (let i = 0; i < 10; i++) bucket.take(1, 0);
    const admitted: number[] = [];
    for (let nowMs = 1; nowMs <= 1000; nowMs++) {
      if (bucket.take(1, nowMs) === 0) admitted.push(nowMs);
    }
    expect(admitted).toEqual([100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]);
  });

  test('never holds more than one second’s worth, however long it rests', () => {
    const bucket = new RateBucket(2);
    expect(bucket.take(1, 1_000_000)).toBe(0);
    expect(bucket.take(1, 1_000_000)).toBe(0);
    expect(bucket.take(1, 1_000_000)).toBe(500);
  });

  test('takes nothing for what it refuses', () => {
    const bucket = new RateBucket(10);
    expect(bucket.take(8, 0)).toBe(0);
    for (let i = 0; i < 100; i++) expect(bucket.take(3, 0)).toBe(100);
    expect(bucket.take(2, 0)).toBe(0);
  });

  test('lets in more than it holds only while it is full, and then waits for its debt', () => {
    const bucket = new RateBucket(100);
    expect(bucket.take(1, 0)).toBe(0);
    expect(bucket.take(250, 0)).toBe(10);
    expect(bucket.take(250, 10)).toBe(0);
    expect([bucket.remaining(10), bucket.shareLeft(10)]).toEqual([0, -1.5]);
    expect(bucket.secondsUntilFull(10)).toBe(3);
    expect(bucket.take(1, 10)).toBe(1510);
    expect(bucket.take(1, 1520)).toBe(0);
    expect(bucket.take(250, 1520)).toBe(1000);
  });

  test('is as if nothing had been taken once that is given back', () => {
    const [bucket, other] = [new RateBucket(10), new RateBucket(10)];
    bucket.take(5, 0);
    other.take(5, 0);
    bucket.take(1, 100);
    bucket.giveBack(1, 300);
    expect(bucket.shareLeft(300)).toBeCloseTo(other.shareLeft(300), 9);
    bucket.giveBack(100, 300);
    expect(bucket.remaining(300)).toBe(10);
  });

  test('tells whole units that are left, and whole seconds until it is full', () => {
    const bucket = new RateBucket(4);
    const told = (nowMs: number) => [bucket.remaining(nowMs), bucket.secondsUntilFull(nowMs)];
    expect(told(0)).toEqual([4, 0]);
    bucket.take(1, 0);
    expect(told(0)).toEqual([3, 1]);
    for (let i = 0; i < 3; i++) bucket.take(1, 0);
    expect(told(0)).toEqual([0, 1]);
    expect(told(374)).toEqual([1, 1]);
    expect(told(1000)).toEqual([4, 0]);
  });

  test('gains nothing from a time that goes back', () => {
    const bucket = new RateBucket(2);
    bucket.take(2, 5000);
    expect(bucket.take(1, 4000)).toBe(500);
    expect(bucket.take(1, 5400)).toBe(100);
  });
});

interface Admitted {
  readonly atMs: number;
  readonly units: number;
}

/** Pauses of all lengths: none, parts of a millisecond, and more than a second. */
function randomPauseMs(random: Random): number {
  const kind = randomBelow(random, 4);
  if (kind === 0) return 0;
  return kind === 1 ? random() : randomBelow(random, kind === 2 ? 100 : 3000);
}

/** The most that a window let in beyond `perSecond` a second. @param admitted by time */
function mostBeyondRate(admitted: readonly Admitted[], perSecond: number): number {
  let most = 0;
  for (let first = 0; first < admitted.length; first++) {
    const startMs = admitted[first]?.atMs ?? 0;
    let sum = 0;
    for (const { atMs, units } of admitted.slice(first)) {
      sum += units;
      most = Math.max(most, sum - ((atMs - startMs) / 1000) * perSecond);
    }
  }
  return most;
}

const seed = Number(process.env['RATE_SEED'] ?? Date.now() % 2 ** 31);

test(`no window lets in more than its rate and one burst; RATE_SEED=${seed} repeats it`, () => {
  const random = seededRandom(seed);
  for (let run = 0; run < 60; run++) {
    const perSecond = 1 + randomBelow(random, run % 2 === 0 ? 20 : 1_000_000);
    const unitsMax = Math.ceil(perSecond * (0.1 + 2 * random()));
    const bucket = new RateBucket(perSecond);
    const admitted: Admitted[] = [];
    let largest = perSecond;
    let nowMs = random() * 1e6;
    for (let i = 0; i < 300; i++) {
      nowMs += randomPauseMs(random);
      const units = 1 + randomBelow(random, unitsMax);
      if (bucket.take(units, nowMs) > 0) continue;
      admitted.push({ atMs: nowMs, units });
      largest = Math.max(largest, units);
    }
    expect(admitted.length).toBeGreaterThan(0);
    expect(mostBeyondRate(admitted, perSecond)).toBeLessThanOrEqual(largest + 0.01);
  }
});

test(`a caller that waits as long as it is told is let in; RATE_SEED=${seed} repeats it`, () => {
  const random = seededRandom(seed);
  for (let run = 0; run < 200; run++) {
    const perSecond = 1 + randomBelow(random, 5000);
    const bucket = new RateBucket(perSecond);
    let nowMs = randomBelow(random, 1e6);
    for (let i = 0; i < 50; i++) {
      nowMs += randomBelow(random, 50);
      const units = 1 + randomBelow(random, 2 * perSecond);
      const waitMs = bucket.take(units, nowMs);
      if (waitMs === 0) continue;
      // A millisecond less is too early: the wait is no longer than it has to be.
      expect(bucket.take(units, nowMs + waitMs - 1)).toBe(1);
      nowMs += waitMs;
      expect(bucket.take(units, nowMs)).toBe(0);
    }
  }
});
