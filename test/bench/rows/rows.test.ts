// Rows and targets belong together, and a name that does not exist is refused.
import { expect, test } from 'vitest';
import { choosePeers, peers } from '../../../bench/contenders/contenders.ts';
import { holdfast } from '../../../bench/contenders/holdfast.ts';
import { missingVariants, planSides } from '../../../bench/measuring/side.ts';
import { chooseRows, rowNamed, rows } from '../../../bench/rows/rows.ts';
import { describeTarget, isReached, targets } from '../../../bench/rows/targets.ts';

test('rows and peers have names of their own', () => {
  for (const names of [rows.map(({ name }) => name), peers.map(({ name }) => name)]) {
    expect(new Set(names).size).toBe(names.length);
  }
});

test('every target names a row, and a peer that takes it or its variant', () => {
  for (const { row: name, versus } of targets) {
    const row = rowNamed(name);
    const peer = peers.find((one) => one.name === versus);
    const isVariant = row.variants?.some((variant) => variant.name === versus) ?? false;
    const isSide = peer === undefined ? isVariant : peer.takes(row);
    expect({ name, versus, isSide }).toEqual({ name, versus, isSide: true });
  }
});

test('the sides of a row have names of their own', () => {
  for (const row of rows) {
    const names = planSides(row, peers).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  }
});

test('a row that compares Holdfast with itself leaves the peers out', () => {
  const names = planSides(rowNamed('get-auth'), [holdfast('holdfast'), ...peers]);
  expect(names.map(({ name }) => name)).toEqual([
    'holdfast, authentication on',
    'holdfast, authentication off',
  ]);
  expect(names.map(({ row }) => row.isAuthenticated)).toEqual([true, false]);
});

test('a variant that the machine cannot measure is left out, and its reason is given', () => {
  const row = {
    ...rowNamed('get-idle'),
    variants: [{ name: 'too many', idleConnections: 1_000_000_000_000 }],
  };
  expect(planSides(row, [holdfast('holdfast')]).map(({ name }) => name)).toEqual([row.alone]);
  expect(missingVariants(row)).toEqual([
    { name: 'too many', why: expect.stringMatching(/^a process may open \d+ files alone$/) },
  ]);
});

test('rows are chosen by name, in the order of the names', () => {
  const chosen = chooseRows('put-interval,get-hot');
  expect(chosen.map(({ name }) => name)).toEqual(['put-interval', 'get-hot']);
  expect(chooseRows(undefined)).toBe(rows);
});

test('a row or a peer that does not exist is refused, and those that do are named', () => {
  expect(() => chooseRows('get-hot,get')).toThrow(
    /^--only names "get"; allowed: get-hot, .*\. Nothing was measured\.$/,
  );
  expect(() => choosePeers('redis')).toThrow(
    /^--peers names "redis"; allowed: bare, webdis, .*none\. Nothing was measured\.$/,
  );
  expect(choosePeers('none')).toEqual([]);
});

test('a rate must be at least its target, and CPU at most', () => {
  const target = { row: 'get-hot', versus: 'webdis' };
  const rate = { ...target, measure: 'rate', ratio: 1.3 } as const;
  const cpu = { ...target, measure: 'cpu', ratio: 0.6 } as const;
  expect(describeTarget(rate)).toBe('≥ 1.3 of webdis');
  expect([isReached(rate, 1.3), isReached(rate, 1.29)]).toEqual([true, false]);
  expect(describeTarget(cpu)).toBe('CPU ≤ 0.6 of webdis');
  expect([isReached(cpu, 0.6), isReached(cpu, 0.61)]).toEqual([true, false]);
});
