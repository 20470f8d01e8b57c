import { expect, test } from 'vitest';
import { StoreError } from '../../../../src/base/errors.ts';
import { parseTtl, ttlOfJson } from '../../../../src/http/rest/keys/ttl.ts';

const nowMs = 1_700_000_000_000;

test.each([
  ['1ms', 1],
  ['90s', 90_000],
  ['90', 90_000],
  ['15m', 900_000],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
  ['007', 7000],
  ['100000000d', 8_640_000_000_000_000],
  [`${Number.MAX_SAFE_INTEGER - nowMs}ms`, Number.MAX_SAFE_INTEGER - nowMs],
])('%s is %d milliseconds', (text, ttlMs) => {
  expect(parseTtl(text, nowMs)).toBe(ttlMs);
});

test.each([
  '',
  ' ',
  '0',
  '0s',
  '-1s',
  '+1s',
  '1.5s',
  '1e3',
  '0x10',
  '1 s',
  ' 1s',
  's',
  '1S',
  '1w',
  '1sm',
  '1s1s',
  'Infinity',
  '١s',
  `${Number.MAX_SAFE_INTEGER - nowMs + 1}ms`,
  '9007199254740992ms',
  '104249991374d',
  '9'.repeat(400),
])('%j is refused', (text) => {
  expect(() => parseTtl(text, nowMs)).toThrow(StoreError);
});

test('in JSON a number is whole seconds and a text is the same text', () => {
  expect(ttlOfJson(90, nowMs)).toBe(90_000);
  expect(ttlOfJson('90ms', nowMs)).toBe(90);
});

test.each([0, -1, 1.5, Number.NaN, 2 ** 53, true, null, [], {}])(
  '%j in JSON is refused',
  (json) => {
    expect(() => ttlOfJson(json, nowMs)).toThrow(StoreError);
  },
);
