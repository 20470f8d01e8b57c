// The draw of keys: even or by Zipf, within bounds, and the same for the same seed.
import { expect, test } from 'vitest';
import { keyDrawer, scatterPrime, zipfConstants, zipfRank } from '../../../bench/rows/key-draw.ts';
import { rows } from '../../../bench/rows/rows.ts';
import { randomStream } from '../../../bench/workload.ts';

const draws = 50_000;

/** @returns the number of draws of each index */
function countsBy(length: number, drawIndex: () => number): number[] {
  const counts = Array.from({ length }, () => 0);
  for (let nth = 0; nth < draws; nth++) {
    const index = drawIndex();
    counts[index] = (counts[index] ?? NaN) + 1;
  }
  return counts;
}

function countsOf(keys: number, draw: 'uniform' | 'zipfian'): number[] {
  return countsBy(keys, keyDrawer(keys, draw, randomStream(1)));
}

test('an even draw takes all keys about equally often', () => {
  const counts = countsOf(100, 'uniform');
  expect(Math.min(...counts)).toBeGreaterThan(350);
  expect(Math.max(...counts)).toBeLessThan(650);
});

test('a Zipf draw takes ranks as often as the distribution says', () => {
  const keys = 1000;
  const constants = zipfConstants(keys);
  const random = randomStream(2);
  const counts = countsBy(keys, () => zipfRank(keys, constants, random()));
  const expected = (rank: number) => draws / constants.zeta / (rank + 1) ** 0.99;
  for (const rank of [0, 1]) expect((counts[rank] ?? 0) / expected(rank)).toBeCloseTo(1, 1);
  // The method is exact for the first two ranks alone.
  const tenth = counts.slice(0, 100).reduce((sum, count) => sum + count, 0) / draws;
  expect(tenth).toBeGreaterThan(0.6);
  expect(tenth).toBeLessThan(0.75);
});

test.each([0, 1 - 2 ** -32])('the rank of the share %d is one of the ranks', (share) => {
  const rank = zipfRank(1000, zipfConstants(1000), share);
  expect(rank).toBeGreaterThanOrEqual(0);
  expect(rank).toBeLessThan(1000);
});

test('the scatter takes popular keys apart, and no two to the same place', () => {
  for (const { keys } of rows) {
    expect(new Set([0, 1, 2, 3].map((rank) => (rank * scatterPrime) % keys)).size).toBe(
      Math.min(keys, 4),
    );
    expect(keys % scatterPrime).not.toBe(0);
  }
});
