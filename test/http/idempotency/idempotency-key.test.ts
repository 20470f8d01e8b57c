import { describe, expect, test } from 'vitest';
import { idempotencyKeyOf } from '../../../src/http/idempotency/idempotency-key.ts';

test('no header is no key', () => {
  expect(idempotencyKeyOf(undefined)).toBeUndefined();
});

describe('a key', () => {
  test.each([
    ['8e03978e-40d5-43e8-bc93-6894a57f9324', '8e03978e-40d5-43e8-bc93-6894a57f9324'],
    ['"8e03978e-40d5-43e8-bc93-6894a57f9324"', '8e03978e-40d5-43e8-bc93-6894a57f9324'],
    [' a ', 'a'],
    ['"with space, and comma"', 'with space, and comma'],
    ['"with \\" and \\\\"', 'with " and \\'],
    ['k'.repeat(255), 'k'.repeat(255)],
  ])('%j is %j', (header, key) => {
    expect(idempotencyKeyOf(header)).toBe(key);
  });
});

describe('a header that is no key is refused by its name', () => {
  test.each([
    '',
    '""',
    '"',
    'a b',
    'a,b',
    'a"b',
    '"a"b"',
    '"\\a"',
    'é',
    '\u{7f}',
    'k'.repeat(256),
    `"${'k'.repeat(256)}"`,
  ])('%j', (header) => {
    expect(() => idempotencyKeyOf(header)).toThrow(
      expect.objectContaining({ code: 'BAD_REQUEST', parameter: 'Idempotency-Key' }),
    );
  });

  test('several of them', () => {
    expect(() => idempotencyKeyOf(['a', 'a'])).toThrow('Idempotency-Key must be one text');
  });
});
