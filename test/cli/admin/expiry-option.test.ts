import { describe, expect, test } from 'vitest';
import { parseExpiry } from '../../../src/cli/admin/expiry-option.ts';

const now = Date.parse('2026-11-29T12:00:00Z');

describe('a typed time of expiry', () => {
  test.each<[string, string]>([
    ['30d', '2026-12-29T12:00:00.000Z'],
    ['12h', '2026-11-30T00:00:00.000Z'],
    ['90m', '2026-11-29T13:30:00.000Z'],
    ['2027-01-31T00:00:00Z', '2027-01-31T00:00:00.000Z'],
    ['2027-01-31t01:00:00.5+01:00', '2027-01-31T00:00:00.500Z'],
    [String(now + 1), '2026-11-29T12:00:00.001Z'],
  ])('%s', (typed, expected) =>
    expect(new Date(parseExpiry(typed, now)).toISOString()).toBe(expected),
  );

  test.each([
    '',
    'soon',
    '30',
    '30 d',
    '-1d',
    '1.5h',
    '30s',
    '2027-01-31',
    '2027-01-31T00:00:00',
    '2027-02-31T00:00:00Z',
    '2027-13-01T00:00:00Z',
    '9'.repeat(16),
    '999999999999999d',
  ])('%j is wrong usage', (typed) =>
    expect(() => parseExpiry(typed, now)).toThrow(/^--expires is ".*; allowed: 30d, 12h or 90m/),
  );

  test.each(['0d', '2026-11-29T12:00:00Z', String(now), '2020-01-01T00:00:00Z'])(
    '%s is refused, because it is not in the future',
    (typed) =>
      expect(() => parseExpiry(typed, now)).toThrow(
        'which is not in the future: it is 2026-11-29T12:00:00.000Z now; allowed: 30d',
      ),
  );
});
