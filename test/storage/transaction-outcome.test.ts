import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { resolveInDoubt, type TransactionTraces } from '../../src/storage/transaction-outcome.ts';

interface Has {
  readonly prepared?: boolean;
  /** The recorded outcome: true if committed. */
  readonly outcome?: boolean | undefined;
}

/** A shard's records of one transaction, `t`. Its participants are the first two of three shards. */
function shard({ prepared = false, outcome }: Has): TransactionTraces {
  return {
    prepared: new Map(prepared ? [['t', { participants: [0, 1] }]] : []),
    outcomes: new Map(outcome === undefined ? [] : [['t', outcome]]),
  };
}

const nothing = shard({});
const prepared = shard({ prepared: true });

describe('a transaction in doubt', () => {
  test('is committed if all participants have prepared it and none has an outcome', () => {
    expect(resolveInDoubt([prepared, prepared, nothing])).toEqual(new Map([['t', true]]));
  });

  test.each([
    ['the other participant has nothing of it', [prepared, nothing, nothing]],
    ['only a shard has it that is no participant', [prepared, nothing, prepared]],
    ['the other participant is not there', [prepared]],
  ])('is aborted if %s', (_, shards) => {
    expect(resolveInDoubt(shards)).toEqual(new Map([['t', false]]));
  });

  test.each([true, false])('has the outcome that any shard has recorded: %s', (outcome) => {
    for (const shards of [
      [prepared, shard({ outcome }), nothing],
      [shard({ outcome }), prepared, nothing],
      [prepared, nothing, shard({ outcome })],
      [prepared, shard({ prepared: true, outcome }), nothing],
    ]) {
      expect(resolveInDoubt(shards)).toEqual(new Map([['t', outcome]]));
    }
  });
});

test('a transaction that is in doubt nowhere is not resolved', () => {
  expect(resolveInDoubt([])).toEqual(new Map());
  const recorded = [shard({ outcome: true }), shard({ outcome: false }), nothing];
  expect(resolveInDoubt(recorded)).toEqual(new Map());
});

test('each transaction is resolved by itself', () => {
  const both = { participants: [0, 1] };
  const alone = { participants: [0] };
  const first: TransactionTraces = {
    prepared: new Map(Object.entries({ a: both, b: both, c: alone })),
    outcomes: new Map(),
  };
  const second: TransactionTraces = {
    prepared: new Map([['b', both]]),
    outcomes: new Map([['x', true]]),
  };
  const expected = new Map(Object.entries({ a: false, b: true, c: true }));
  expect(resolveInDoubt([first, second])).toEqual(expected);
});

test('a start that was cut short is followed by one with the same outcome', () => {
  const has = fc.record({ prepared: fc.boolean(), hasOutcome: fc.boolean() });
  fc.assert(
    fc.property(fc.tuple(has, has), fc.boolean(), fc.nat(1), (found, committed, recording) => {
      // All outcome records agree, and a shard with one is no longer in doubt.
      const shards = found.map(({ hasOutcome, ...one }) =>
        shard(hasOutcome ? { outcome: committed } : one),
      );
      const outcome = resolveInDoubt(shards).get('t');
      fc.pre(outcome !== undefined && (shards[recording]?.prepared.has('t') ?? false));
      const later = shards.with(recording, shard({ outcome }));
      expect(resolveInDoubt(later).get('t') ?? outcome).toBe(outcome);
    }),
  );
});
