import { expect, test } from 'vitest';
import { mergeFigures } from '../../src/router/merge-figures.ts';

const parts = [
  [
    { namespace: 'b', keys: 1, bytes: 10 },
    { namespace: 'a', keys: 2, bytes: 20 },
  ],
  [],
  [{ namespace: 'b', keys: 4, bytes: 40 }],
];

test("the shards' figures of a namespace are summed, and sorted if no names were asked for", () => {
  expect(mergeFigures(parts, undefined)).toEqual([
    { namespace: 'a', keys: 2, bytes: 20 },
    { namespace: 'b', keys: 5, bytes: 50 },
  ]);
});

test('figures stand in the order of the names that were asked for', () => {
  expect(mergeFigures(parts, ['none', 'b'])).toEqual([
    { namespace: 'none', keys: 0, bytes: 0 },
    { namespace: 'b', keys: 5, bytes: 50 },
  ]);
});
