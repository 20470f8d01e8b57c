// The check of values finds those that are missing, changed, or never written.
import { expect, test } from 'vitest';
import type { Contender } from '../../../bench/contenders/contender.ts';
import { checkAfter, countWritten } from '../../../bench/measuring/check-values.ts';
import type { Side } from '../../../bench/measuring/side.ts';
import { rowNamed } from '../../../bench/rows/rows.ts';
import { seededValue } from '../../../bench/rows/values.ts';

const row = rowNamed('put-always');
const contender: Contender = {
  name: 'a store',
  missing: () => undefined,
  versions: () => '1',
  takes: () => true,
  start: () => Promise.reject(new Error('not started')),
};

/** A side whose values are given by their index. */
function sideWith(valueOf: (index: number) => string | undefined): Side {
  return {
    name: 'a store',
    contender,
    row,
    templates: [],
    load: { name: 'none', round: () => Promise.reject(new Error('no load')) },
    running: {
      url: '',
      pids: [],
      settings: '',
      dialect: { get: { method: 'GET', path: '' }, put: { method: 'PUT', path: '' } },
      fill: () => Promise.resolve(),
      read: (key) => Promise.resolve(valueOf(Number(key.slice('key-'.length)))),
    },
  };
}

test('values of the fill and of rounds are told apart', async () => {
  expect(await countWritten(sideWith((index) => seededValue(index, 0, 100)))).toBe(0);
  expect(await countWritten(sideWith((index) => seededValue(index, 3, 100)))).toBe(50);
});

test('a missing value, and one that differs in a byte, fail the row', async () => {
  await expect(countWritten(sideWith(() => undefined))).rejects.toThrow('a store has lost key-');
  const changed = sideWith((index) => `${seededValue(index, 0, 100).slice(0, -1)}!`);
  await expect(countWritten(changed)).rejects.toThrow('a store has a wrong value of key-');
});

test('a side that answers writes and keeps none of them fails the row', async () => {
  const forgetful = sideWith((index) => seededValue(index, 0, 100));
  await expect(checkAfter(forgetful, 1_000_000)).rejects.toThrow('kept none of its writes');
  await checkAfter(
    sideWith((index) => seededValue(index, 2, 100)),
    1_000_000,
  );
});
