import { expect, test } from 'vitest';
import { SparePieces } from '../../src/memory/spare-pieces.ts';

test('a piece is taken once, and not in the batch that gave it back', () => {
  const spare = new SparePieces<string>();
  spare.giveBack('a');
  expect([spare.take(), spare.length]).toEqual([undefined, 1]);
  spare.reuseReleased();
  spare.giveBack('b');
  expect([spare.take(), spare.take(), spare.length]).toEqual(['a', undefined, 1]);
  spare.reuseReleased();
  expect([spare.take(), spare.take(), spare.length]).toEqual(['b', undefined, 0]);
});
