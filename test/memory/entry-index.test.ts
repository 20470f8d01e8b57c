import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EntryIndex } from '../../src/memory/entry-index.ts';
import { EntryMemory } from '../../src/memory/entry-memory.ts';
import { EntryPieces, noEntry } from '../../src/memory/entry-pieces.ts';
import { NewsOfMemory } from '../../src/memory/memory-news.ts';

/** An index over entries of one namespace, whose keys are their numbers. */
function newIndex(count: number): { index: EntryIndex; pieces: EntryPieces } {
  const [pieces, news] = [new EntryPieces(), new NewsOfMemory()];
  const memory = new EntryMemory(pieces, news);
  for (let n = 0; n < count; n++) memory.add(1, String(n), '', 1, undefined);
  return { index: new EntryIndex(pieces, news), pieces };
}

/** The numbers below `count` that the index finds although they are not held, or not although they are. */
function wrongIn(
  pieces: EntryPieces,
  hashOf: (n: number) => number,
  count: number,
  isHeld: (n: number) => boolean,
): number[] {
  const numbers = Array.from({ length: count }, (_, n) => n);
  return numbers.filter((n) => pieces.find(hashOf(n), 1, String(n)) !== (isHeld(n) ? n : noEntry));
}

const spread = (n: number): number => Math.imul(n, 0x9e3779b1);
const spreadFours = (n: number): number => Math.imul(n >> 2, 0x85ebca6b);

describe('an index of entries', () => {
  const hashes = {
    'spread hashes': spread,
    'hashes of which many are equal': (n: number) => n % 13,
    'one hash': () => -5,
  };
  test.each(Object.entries(hashes))(
    'finds each entry until it is removed, with %s',
    (_, hashOf) => {
      const count = hashOf(1) === hashOf(2) ? 300 : 20_000;
      const { index, pieces } = newIndex(count);
      for (let n = 0; n < count; n++) index.add(hashOf(n), n);
      const wrongIf = (isHeld: (n: number) => boolean): number[] =>
        wrongIn(pieces, hashOf, count + 1, (n) => n < count && isHeld(n));
      expect(wrongIf(() => true)).toEqual([]);
      for (let n = 0; n < count; n++) if (n % 3 !== 0) index.remove(hashOf(n), n);
      expect(wrongIf((n) => n % 3 === 0)).toEqual([]);
      for (let n = 0; n < count; n++) if (n % 3 === 0) index.remove(hashOf(n), n);
      expect(wrongIf(() => false)).toEqual([]);
    },
  );

  test('holds what was added and not removed while it grows and shrinks', () => {
    const run = fc.record({
      add: fc.boolean(),
      from: fc.nat({ max: 3000 }),
      length: fc.nat({ max: 3000 }),
    });
    fc.assert(
      fc.property(fc.array(run, { maxLength: 10 }), (runs) => {
        const { index, pieces } = newIndex(6000);
        const held = new Set<number>();
        for (const { add, from, length } of runs) {
          for (let n = from; n < from + length; n++) {
            if (held.has(n) === add) continue;
            if (add) index.add(spreadFours(n), n);
            else index.remove(spreadFours(n), n);
            if (add) held.add(n);
            else held.delete(n);
          }
        }
        expect(wrongIn(pieces, spreadFours, 6000, (n) => held.has(n))).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  test('takes at most 32 bytes for each of many entries, however many there were before', () => {
    const { index } = newIndex(0);
    for (let n = 0; n < 100_000; n++) index.add(spread(n), n);
    expect(index.bytes).toBeLessThan(32 * 100_000);
    for (let n = 20_000; n < 100_000; n++) index.remove(spread(n), n);
    expect(index.bytes).toBeLessThan(32 * 20_000 + 256 * 1024);
  });

  test('refuses to remove what it does not hold', () => {
    const { index } = newIndex(0);
    index.add(7, 1);
    expect(() => index.remove(7, 2)).toThrow('removes what it holds');
  });
});
