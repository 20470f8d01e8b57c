// x-ttl as the stock driver sends it, and in other spellings.
import { createStorage } from 'unstorage';
import httpDriver from 'unstorage/drivers/http';
import { expect, test } from 'vitest';
import { ttlMsOfHeader } from '../../../src/http/unstorage/time-to-live.ts';
import { openApp } from '../../support/http/open-app.ts';

test.each([
  [60, 60_000],
  [100 / 3, 33_334],
  [0.1 + 0.2, 300],
  [16.1, 16_100],
  [60.0005, 60_001],
  [0.0001, 1],
  [1e-7, 1],
  [Number.MIN_VALUE, 1],
  [1e12, 1e15],
  [Infinity, undefined],
  [1e13, undefined],
  [1e300, undefined],
  [0, undefined],
  [NaN, undefined],
  [undefined, undefined],
])('ttl: %d through the stock driver is %d ms', async (ttl, ms) => {
  const { url, model } = await openApp();
  const driver = httpDriver({ base: `${url}/unstorage/app` });
  await createStorage({ driver }).setItem('a', 'x', ttl === undefined ? {} : { ttl });
  const expiresAt = model.entries.get('app\na')?.expiresAt;
  expect([model.clientNames.length, expiresAt]).toEqual([1, ms && model.nowMs + ms]);
});

test('every text that JavaScript writes for a number is taken', () => {
  expect(['1e+21', '1e-7', '0.5', '60.0', '1.5e-7'].map(ttlMsOfHeader)).toEqual([
    undefined,
    1,
    500,
    60_000,
    1,
  ]);
});

test.each(
  ['', '0', '0.0', '-0', '-1', '-Infinity', 'NaN', 'abc', '1s', '1, 2', '1 2', '1_000'].concat(
    '+1',
    '1.',
    '.5',
    '1e3',
    '0x10',
    '0e+1',
    'infinity',
  ),
)('x-ttl: %j is refused, in words that say what is allowed', (text) => {
  expect(() => ttlMsOfHeader(text)).toThrow(/positive number of seconds.*Infinity/);
});
