// The checks of a load's history find every kind of loss.
import { describe, expect, test } from 'vitest';
import type { Call, CallOutcome, Content } from './call.ts';
import { findGaps } from './find-gaps.ts';
import { findLosses } from './find-losses.ts';

function put(value: string, [from, to]: [number, number], outcome: CallOutcome): Call {
  return { client: 0, key: 'k', op: 'put', value, from, to, outcome };
}

function remove([from, to]: [number, number], outcome: CallOutcome): Call {
  return { client: 0, key: 'k', op: 'delete', from, to, outcome };
}

const written = (version: number): CallOutcome => ({ kind: 'written', version, created: false });
const unknown: CallOutcome = { kind: 'unknown', code: 'ECONNRESET' };
const refused: CallOutcome = { kind: 'not-applied', code: 'OVERLOADED' };
const deleted: CallOutcome = { kind: 'deleted' };

function losses(before: Content, calls: readonly Call[], after: Content): number {
  return findLosses(new Map([['k', before]]), calls, new Map([['k', after]])).length;
}

const a = put('a', [1, 2], written(1));
const b = put('b', [3, 4], written(2));

describe('a lost change is found', () => {
  test.each<[string, Content, Call[], Content]>([
    ['a put', undefined, [a], undefined],
    ['the later of two puts', undefined, [a, b], { value: 'a', version: 1 }],
    ['a put over an entry of before', { value: 'o', version: 1 }, [b], { value: 'o', version: 1 }],
    ['a delete', undefined, [a, remove([3, 4], deleted)], { value: 'a', version: 1 }],
    [
      'a put after an unknown one that had ended',
      undefined,
      [put('u', [1, 2], unknown), b],
      { value: 'u', version: 1 },
    ],
    ['another version', undefined, [a], { value: 'a', version: 7 }],
    ['a put after a delete', undefined, [remove([1, 2], unknown), b], undefined],
  ])('%s', (_, before, calls, after) => {
    expect(losses(before, calls, after)).toBe(1);
  });
});

describe('an entry that must not be there is found', () => {
  test.each<[string, Call[], Content]>([
    ['a put that was refused', [put('r', [1, 2], refused)], { value: 'r', version: 1 }],
    ['a value that no call put', [a], { value: 'z', version: 1 }],
  ])('%s', (_, calls, after) => {
    expect(losses(undefined, calls, after)).toBe(1);
  });
});

describe('an allowed state is no loss', () => {
  test.each<[string, Content, Call[], Content]>([
    ['nothing asked', { value: 'o', version: 1 }, [], { value: 'o', version: 1 }],
    [
      'either of two puts at once',
      undefined,
      [a, put('c', [1, 3], written(2))],
      { value: 'a', version: 1 },
    ],
    [
      'an unknown put that happened',
      undefined,
      [a, put('u', [3, 9], unknown)],
      { value: 'u', version: 2 },
    ],
    [
      'an unknown put that did not',
      undefined,
      [a, put('u', [3, 9], unknown)],
      { value: 'a', version: 1 },
    ],
    ['an unknown delete that happened', undefined, [a, remove([3, 9], unknown)], undefined],
    [
      'a refused put that is not there',
      undefined,
      [a, put('r', [3, 4], refused)],
      { value: 'a', version: 1 },
    ],
  ])('%s', (_, before, calls, after) => {
    expect(losses(before, calls, after)).toBe(0);
  });
});

function gapsOf(
  calls: readonly Call[],
  { version, value }: { version: number; value: string },
  settled = 0,
) {
  const after = new Map([
    ['k', { value, version }],
    ['l', { value: 'l', version: 2 }],
  ]);
  return findGaps(new Map(), calls, after, { shards: 1, settled });
}

describe('on a store that may lose its newest writes', () => {
  const l: Call = { ...put('l', [1, 2], written(2)), key: 'l' };

  test('the end may be missing', () => {
    expect(gapsOf([a, l, put('c', [3, 4], written(3))], { version: 1, value: 'a' })).toEqual({
      gaps: [],
      lost: 1,
    });
  });

  test('a put before another one that is there may not', () => {
    const calls = [{ ...a, outcome: written(1) }, l, put('o', [0, 1], written(0))];
    expect(gapsOf(calls, { version: 0, value: 'o' }).gaps).toHaveLength(1);
  });

  test('a put that was acknowledged long before may not', () => {
    expect(
      gapsOf([a, l, put('c', [3, 4], written(3))], { version: 1, value: 'a' }, 9).gaps,
    ).toHaveLength(1);
  });
});
