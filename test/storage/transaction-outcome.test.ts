import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { outcomesOf, type TransactionTraces } from '../../src/storage/transaction-outcome.ts';

/** Of one transaction, `t`, over the first two of three shards. */
function shard(has: { part?: boolean; note?: boolean }): TransactionTraces {
  return {
    parts: new Map(has.part === true ? [['t', { shards: [0, 1] }]] : []),
    notes: new Map(has.note === undefined ? [] : [['t', has.note]]),
  };
}

const nothing = shard({});
const part = shard({ part: true });

describe('a transaction without an end', () => {
  test('is committed where all of its parts are there and no note', () => {
    expect(outcomesOf([part, part, nothing])).toEqual(new Map([['t', true]]));
  });

  test.each([
    ['the other shard has nothing of it', [part, nothing, nothing]],
    ['only a shard has it that it does not name', [part, nothing, part]],
    ['the other shard is not there', [part]],
  ])('is not committed where %s', (_, shards) => {
    expect(outcomesOf(shards)).toEqual(new Map([['t', false]]));
  });

  test.each([true, false])('is what any note says: committed is %s', (note) => {
    for (const shards of [
      [part, shard({ note }), nothing],
      [shard({ note }), part, nothing],
      [part, nothing, shard({ note })],
      [part, shard({ part: true, note }), nothing],
    ]) {
      expect(outcomesOf(shards)).toEqual(new Map([['t', note]]));
    }
  });
});

test('what has no part without a note needs no outcome', () => {
  expect(outcomesOf([])).toEqual(new Map());
  expect(outcomesOf([shard({ note: true }), shard({ note: false }), nothing])).toEqual(new Map());
});

test('each transaction is decided by itself', () => {
  const [shards, one] = [[0, 1], { shards: [0] }];
  const first = { parts: new Map([['a', { shards }], ['b', { shards }], ['c', one]]), notes: new Map() }; // prettier-ignore
  const second = { parts: new Map([['b', { shards }]]), notes: new Map([['x', true]]) };
  const expected = new Map(Object.entries({ a: false, b: true, c: true }));
  expect(outcomesOf([first, second])).toEqual(expected);
});

test('a start that was cut short is followed by one that decides the same', () => {
  const has = fc.record({
    part: fc.boolean(),
    note: fc.option(fc.constant(true), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.tuple(has, has), fc.boolean(), fc.nat(1), (found, committed, noting) => {
      // All notes of a transaction say the same, and who has noted it has no part left.
      const shards = found.map(({ part: hasPart, note }) =>
        note === undefined ? shard({ part: hasPart }) : shard({ note: committed }),
      );
      const outcome = outcomesOf(shards).get('t');
      fc.pre(outcome !== undefined && (shards[noting]?.parts.has('t') ?? false));
      const later = shards.with(noting, shard({ note: outcome ?? false }));
      expect(outcomesOf(later).get('t') ?? outcome).toBe(outcome);
    }),
  );
});
