import { describe, expect, test } from 'vitest';
import {
  parseRequestsPerSecond,
  parseWrittenBytesPerSecond,
  ratesText,
} from '../../../src/cli/admin/rate-option.ts';

describe('a typed rate', () => {
  test('is an integer, and one of bytes may have a unit', () => {
    expect(parseRequestsPerSecond('5')).toBe(5);
    expect(parseWrittenBytesPerSecond('2048')).toBe(2048);
    expect(parseWrittenBytesPerSecond('2KiB')).toBe(2048);
  });

  const wrong = ['0', '-1', '1.5', '5/s', 'none', '', ' 5', '9'.repeat(17)];

  test.each([...wrong, '2KiB'])('of requests, %j, is wrong usage', (text) =>
    expect(() => parseRequestsPerSecond(text)).toThrow(
      `--requests-per-second is ${JSON.stringify(text)}; allowed: a positive integer`,
    ),
  );

  test.each([...wrong, '2kb', '99999999999GiB'])('of bytes, %j, is wrong usage', (text) =>
    expect(() => parseWrittenBytesPerSecond(text)).toThrow(
      `--written-bytes-per-second is ${JSON.stringify(text)}; allowed: a positive integer, or one`,
    ),
  );
});

test.each([
  [{}, 'none'],
  [{ requestsPerSecond: 5 }, '5 requests/s'],
  [{ writtenBytesPerSecond: 2048 }, '2048 bytes/s'],
  [{ requestsPerSecond: 5, writtenBytesPerSecond: 2048 }, '5 requests/s, 2048 bytes/s'],
])('the rates %j are printed as %s', (rates, text) => expect(ratesText(rates)).toBe(text));
