import { beforeEach, describe, expect, test } from 'vitest';
import { Positions, UncertainValue } from './uncertain-value.ts';

let positions: Positions;
let value: UncertainValue;

beforeEach(() => {
  positions = new Positions();
  value = new UncertainValue(positions, 'a');
});

const possible = (): readonly string[] => [...value.possible].toSorted();
const to = (after: string) => () => after;

describe('a value with one change on its way', () => {
  test('may be the old one or the new one until the answer', () => {
    const sent = value.send(to('b'), true);
    expect(possible()).toEqual(['a', 'b']);
    sent.applied();
    expect(possible()).toEqual(['b']);
  });

  test('is the old one if the change did not happen', () => {
    value.send(to('b'), true).notApplied();
    expect(possible()).toEqual(['a']);
  });

  test('is remembered by position', () => {
    const before = positions.now;
    const sent = value.send(to('b'), true);
    const during = positions.now;
    sent.applied();
    expect([...value.possibleAt(before)]).toEqual(['a']);
    expect([...value.possibleAt(during)]).toEqual(['a', 'b']);
    expect([...value.possibleAt(positions.now)]).toEqual(['b']);
  });
});

describe('a value with two changes on their way', () => {
  test('may be that of either one, whichever is answered last', () => {
    const first = value.send(to('b'), true);
    const second = value.send(to('c'), true);
    first.applied();
    second.applied();
    expect(possible()).toEqual(['a', 'b', 'c']);
  });

  test('may be that of both, one after the other', () => {
    value.send((before) => `${before.slice(0, 1)}b`, true);
    value.send((before) => (before.length === 2 ? `${before}c` : before), true);
    expect(possible()).toEqual(['a', 'ab', 'abc']);
  });

  test('is certain again once the store tells it', () => {
    value.send(to('b'), true);
    const late = value.send(to('c'), true);
    expect(value.resolve('c')).toBe(true);
    late.applied();
    expect(possible()).toEqual(['c']);
    value.send(to('d'), true).applied();
    expect(possible()).toEqual(['d']);
  });
});

test('a value that the store tells and no change explains is not possible', () => {
  value.send(to('b'), true).applied();
  expect(value.resolve('a')).toBe(false);
});

describe('a power cut', () => {
  test('takes no change that was synced', () => {
    value.send(to('b'), true).applied();
    value.lose();
    expect(possible()).toEqual(['b']);
  });

  test('may take all changes since the last synced one', () => {
    value.send(to('b'), true).applied();
    value.send(to('c'), false).applied();
    value.send(to('d'), false).applied();
    value.lose();
    expect(possible()).toEqual(['b', 'c', 'd']);
  });
});
