import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LargestSize } from '../../../src/shard/table/largest-size.ts';

const step = 65_536;
const sizes = fc.array(fc.integer({ min: 0, max: 20 * step }), { maxLength: 30 });

/** The answer must be one to two steps above the largest of these sizes. */
function expectLargest(largest: LargestSize, of: readonly number[]): void {
  const most = Math.max(0, ...of);
  expect(largest.bytes).toBeGreaterThanOrEqual(most + step);
  expect(largest.bytes).toBeLessThanOrEqual(most + 2 * step);
}

function largestOf(of: readonly number[]): LargestSize {
  const largest = new LargestSize();
  for (const size of of) largest.add(size);
  return largest;
}

test('the largest is known, and a step or two added, whatever comes and goes', () => {
  fc.assert(
    fc.property(sizes, sizes, (gone, left) => {
      const largest = largestOf([...gone, ...left]);
      expectLargest(largest, [...gone, ...left]);
      for (const size of gone) largest.remove(size);
      expectLargest(largest, left);
    }),
  );
});

test('many values can be removed at once', () => {
  fc.assert(
    fc.property(sizes, sizes, (gone, left) => {
      const largest = largestOf([...gone, ...left]);
      largest.removeAll(largestOf(gone));
      expectLargest(largest, left);
    }),
  );
});
