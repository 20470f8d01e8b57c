import { expect, test } from 'vitest';
import { elementsIn } from '../../src/http/json-elements.ts';

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
