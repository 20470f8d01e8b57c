import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NodePool } from '../../../src/shard/table/node-pool.ts';
import { OrderedIndex } from '../../../src/shard/table/ordered-index.ts';

/** References are even numbers that stand for themselves, so odd ones lie between them. */
function newIndex(pool = new NodePool()): OrderedIndex<number> {
  return new OrderedIndex<number>(pool, (reference, sought) => reference - sought);
}

function expectToHold(index: OrderedIndex<number>, sorted: readonly number[]): void {
  expect(index.size).toBe(sorted.length);
  expect(index.first).toBe(sorted[0]);
  expect([...index.ascending(undefined)]).toEqual(sorted);
  expect([...index.descending(Infinity)]).toEqual(sorted.toReversed());
}

function expectToSeek(index: OrderedIndex<number>, sorted: readonly number[], at: number): void {
  const before = sorted.filter((reference) => reference < at);
  expect(index.countBefore(at)).toBe(before.length);
  expect([...index.ascending(at)]).toEqual(sorted.slice(before.length));
  expect([...index.descending(at)]).toEqual(before.toReversed());
}

describe('an ordered index', () => {
  test('holds what was inserted and not removed, in order, whatever the sizes', () => {
    const runs = fc.record({
      insert: fc.boolean(),
      from: fc.nat({ max: 3000 }),
      step: fc.constantFrom(-3, -1, 1, 2, 7, 1777),
      length: fc.nat({ max: 1500 }),
    });
    fc.assert(
      fc.property(fc.array(runs, { maxLength: 12 }), fc.nat({ max: 6000 }), (steps, at) => {
        const index = newIndex();
        const held = new Set<number>();
        for (const { insert, from, step, length } of steps) {
          for (let count = 0; count < length; count++) {
            const reference = 2 * ((((from + count * step) % 3001) + 3001) % 3001);
            if (held.has(reference) === insert) continue;
            if (insert) index.insert(reference, reference);
            else index.remove(reference, reference);
            if (insert) held.add(reference);
            else held.delete(reference);
          }
          const sorted = [...held].toSorted((a, b) => a - b);
          expectToHold(index, sorted);
          expectToSeek(index, sorted, at);
        }
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    ['ascending', (n: number) => n],
    ['descending', (n: number) => 100_000 - n],
    ['scattered', (n: number) => (n * 7919) % 100_003],
  ])('of many levels holds %s insertions, and none after as many removals', (_, referenceOf) => {
    const pool = new NodePool();
    const index = newIndex(pool);
    const references = Array.from({ length: 100_000 }, (__, n) => referenceOf(n));
    for (const reference of references) index.insert(reference, reference);
    expectToHold(
      index,
      references.toSorted((a, b) => a - b),
    );
    for (const reference of references) index.remove(reference, reference);
    expectToHold(index, []);
  });

  test('is full behind ascending insertions, and joins its nodes when most are removed', () => {
    const pool = new NodePool();
    const index = newIndex(pool);
    for (let n = 0; n < 50_000; n++) index.insert(n, n);
    // A node of 512 bytes holds 125 references.
    expect(pool.usedBytes).toBeLessThan(50_000 * 4.5);
    for (let n = 0; n < 50_000; n++) if (n % 10 !== 0) index.remove(n, n);
    expect(index.size).toBe(5000);
    expect(pool.usedBytes).toBeLessThan(5000 * 12);
  });

  test('gives up its first leaf, again and again, down to nothing', () => {
    const pool = new NodePool();
    const index = newIndex(pool);
    for (let n = 0; n < 20_000; n++) index.insert((n * 7919) % 20_011, (n * 7919) % 20_011);
    let left = [...index.ascending(undefined)];
    const taken: number[] = [];
    while (index.removeFirstLeaf((reference) => taken.push(reference))) {
      left = left.slice(taken.length);
      taken.length = 0;
      expect([index.size, index.first]).toEqual([left.length, left[0]]);
      if (left.length % 7 === 0) expectToSeek(index, left, 10_001);
    }
    expectToHold(index, []);
    expect(pool.usedBytes).toBe(0);
  });

  test('refuses to remove what it does not hold', () => {
    const index = newIndex();
    expect(() => index.remove(2, 2)).toThrow('only what is in an index');
    index.insert(2, 2);
    expect(() => index.remove(4, 4)).toThrow('removes what it holds');
  });
});
