import { expect, test } from 'vitest';
import { isPlainJson } from '../../src/base/plain-json.ts';

test('a text is plain exactly if JSON writes it as it is, and it is ASCII', () => {
  const wrong = Array.from({ length: 0x200 }, (_, code) => String.fromCharCode(code)).filter(
    (one) => {
      const isPlain = one <= '\x7f' && JSON.stringify(one) === `"${one}"`;
      return isPlainJson(`a${one}b`) !== isPlain || isPlainJson(one) !== isPlain;
    },
  );
  expect(wrong).toEqual([]);
});

test('an empty text is plain, and one with a line end is not', () => {
  expect(['', 'a b', 'a\n', '\n'].map(isPlainJson)).toEqual([true, true, false, false]);
});

test('a long text is plain exactly if JSON writes it as it is, and it is ASCII', () => {
  const special = [
    '"',
    '\\',
    '\n',
    '\0',
    '\x1f',
    '\x7f',
    '\x80',
    'é',
    '\u0122',
    '💾',
    ' ',
    '!',
    '~',
  ];
  for (const length of [1025, 2047, 4096, 65_536, 65_537, 200_001]) {
    const text = 'ab}{[]#$'.repeat(length).slice(0, length);
    expect(isPlainJson(text)).toBe(true);
    for (const one of special) {
      const isPlain = one <= '\x7f' && JSON.stringify(one) === `"${one}"`;
      for (const at of [0, 1, 2, 3, length - 1, length - 2, length >> 1]) {
        expect([one, at, isPlainJson(text.slice(0, at) + one + text.slice(at + 1))]).toEqual([
          one,
          at,
          isPlain,
        ]);
      }
    }
  }
});
