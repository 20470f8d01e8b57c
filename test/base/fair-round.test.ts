import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { FairRound } from '../../src/base/fair-round.ts';

const nothing = (): void => {};

function add(round: FairRound, namespace: string, units = 1, sinceMs = 0): void {
  round.add(namespace, { units, sinceMs, place: nothing, refuse: nothing });
}

/** The works in the order of their turns, by the time since which they wait. */
function order(round: FairRound): number[] {
  const seen: number[] = [];
  for (let work = round.next(); work !== undefined; work = round.next()) seen.push(work.sinceMs);
  return seen;
}

test('works of one namespace keep their order', () => {
  const round = new FairRound();
  for (let n = 0; n < 5000; n++) add(round, 'a', 1 + (n % 3), n);
  expect(order(round)).toEqual(Array.from({ length: 5000 }, (_, n) => n));
  expect(round.size).toBe(0);
});

test('a namespace that asks for little is served beside one that asks for much', () => {
  const round = new FairRound();
  for (let n = 0; n < 1000; n++) add(round, 'noisy', 1, 1);
  add(round, 'polite', 1, 2);
  const place = order(round).indexOf(2);
  expect(place).toBeLessThanOrEqual(8);
});

test('large works get as much as small ones, and no more', () => {
  const round = new FairRound();
  for (let n = 0; n < 10; n++) add(round, 'large', 1000, 1);
  for (let n = 0; n < 10_000; n++) add(round, 'small', 1, 2);
  const first = Array.from({ length: 4000 }, () => round.next());
  const unitsOf = (ms: number): number =>
    first.filter((work) => work?.sinceMs === ms).reduce((sum, work) => sum + (work?.units ?? 0), 0);
  expect(unitsOf(1)).toBeGreaterThan(2900);
  expect(unitsOf(1)).toBeLessThan(5100);
  expect(unitsOf(2)).toBeGreaterThan(2900);
});

test('works that wait for too long are taken out, and no others', () => {
  const round = new FairRound();
  for (let n = 0; n < 10; n++) add(round, n % 2 === 0 ? 'a' : 'b', 1, n);
  expect(round.takeBefore(4).map(({ sinceMs }) => sinceMs)).toEqual([0, 2, 1, 3]);
  expect([round.size, round.unitsOf('a'), round.waitsSince('b')]).toEqual([6, 3, 5]);
  expect(round.takeBefore(100)).toHaveLength(6);
  expect([round.size, round.unitsOf('a'), round.waitsSince('a')]).toEqual([0, 0, undefined]);
  expect(round.next()).toBeUndefined();
});

test('between two turns of one namespace, others have at most a share each', () => {
  const arrival = fc.record({
    namespace: fc.constantFrom('a', 'b', 'c', 'd'),
    units: fc.integer({ min: 1, max: 60 }),
    turns: fc.nat(3),
  });
  fc.assert(
    fc.property(fc.array(arrival, { minLength: 1, maxLength: 80 }), (arrivals) => {
      const round = new FairRound();
      /** Units that others had while the namespace waited for the turn of its first work. */
      const waited = new Map<string, number>();
      const waiting = new Map<number, { namespace: string; units: number }>();
      let next = 0;
      const turn = (): void => {
        const work = round.next();
        if (work === undefined) return;
        const { namespace, units } = waiting.get(work.sinceMs) ?? { namespace: '', units: 0 };
        waiting.delete(work.sinceMs);
        const mine = waited.get(namespace) ?? 0;
        // A share is what the work costs, and one visit more, for each of three others.
        expect(mine).toBeLessThanOrEqual(3 * (units + 8 + 60));
        waited.delete(namespace);
        for (const other of new Set([...waiting.values()].map((each) => each.namespace))) {
          if (other !== namespace) waited.set(other, (waited.get(other) ?? 0) + units);
        }
      };
      for (const { namespace, units, turns } of arrivals) {
        waiting.set(next, { namespace, units });
        add(round, namespace, units, next++);
        for (let n = 0; n < turns; n++) turn();
      }
      while (round.size > 0) turn();
      expect(waiting.size).toBe(0);
    }),
    { numRuns: 2000 },
  );
});
