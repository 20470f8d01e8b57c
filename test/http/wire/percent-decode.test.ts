import { expect, test } from 'vitest';
import { percentDecode } from '../../../src/http/wire/percent-decode.ts';

const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

test.each([
  ['', ''],
  ['plain', 'plain'],
  ['%41%62', 'Ab'],
  ['%c3%BC', utf8('ü')],
  ['%2541', '%41'],
  [utf8('ü🐟'), utf8('ü🐟')],
  [`${utf8('ü')}%20`, utf8('ü ')],
  ['%00%7F', '\0\x7f'],
])('%j decodes to the bytes %j', (text, bytes) => {
  expect(percentDecode(text)).toBe(bytes);
});

test.each([
  '%',
  '%4',
  '%zz',
  '%4g',
  '%%41',
  '%FF',
  '\xff',
  '%C3',
  '%C0%80',
  '%ED%A0%80',
  '%F5%80%80%80',
])('%j does not decode', (text) => {
  expect(percentDecode(text)).toBeUndefined();
});

test('every text survives being encoded and decoded', () => {
  const text = Array.from({ length: 0x500 }, (_, i) => String.fromCodePoint(i * 61 + 1)).filter(
    (character) => !/\p{Surrogate}/u.test(character),
  );
  expect(percentDecode(encodeURIComponent(text.join('')))).toBe(utf8(text.join('')));
});
