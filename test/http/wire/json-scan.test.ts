import { expect, test } from 'vitest';
import { elementsIn, numbersIn } from '../../../src/http/wire/json-scan.ts';

test.each([
  ['', 0],
  ['5', 0],
  ['{}', 1],
  ['[[],{}]', 4],
  ['{"a":1,"b":[2,3]}', 4],
  ['["[{,"]', 1],
  [String.raw`["\"[,", [], "\\", [], "\\\"[{"]`, 7],
  ['["unended [[[', 1],
  [String.raw`["ends in an escape \"`, 1],
])('%s has %d', (text, count) => {
  expect(elementsIn(Buffer.from(text), 100)).toBe(count);
});

test('counting stops once there are enough', () => {
  expect(elementsIn(Buffer.from('['.repeat(1000)), 10)).toBe(11);
});

test('numbers are found as they are written, and none in strings', () => {
  const text = String.raw`[1, "2 \" 3", -0.5e+10, {"4": 18446744073709551616}, true, [7]]`;
  expect(numbersIn(Buffer.from(text))).toEqual(['1', '-0.5e+10', '18446744073709551616', '7']);
});
