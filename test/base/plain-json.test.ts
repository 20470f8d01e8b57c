import { expect, test } from 'vitest';
import { isPlainJson } from '../../src/base/plain-json.ts';

test('a text is plain exactly if JSON writes it as it is, and it is ASCII', () => {
  const wrong = Array.from({ length: 0x200 }, (_, code) => String.fromCharCode(code)).filter(
    (one) => {
      const isPlain = one < '\x7f' && JSON.stringify(one) === `"${one}"`;
      return isPlainJson(`a${one}b`) !== isPlain || isPlainJson(one) !== isPlain;
    },
  );
  expect(wrong).toEqual([]);
});

test('an empty text is plain, and one with a line end is not', () => {
  expect(['', 'a b', 'a\n', '\n'].map(isPlainJson)).toEqual([true, true, false, false]);
});

test('a text is looked at up to a length', () => {
  expect(isPlainJson('a'.repeat(65_536))).toBe(true);
  expect(isPlainJson('a'.repeat(65_537))).toBe(false);
});
