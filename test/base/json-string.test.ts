import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { endOfJsonString } from '../../src/base/json-string.ts';

test('a string ends at its closing quote, whatever it holds', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('"', '\\', 'a', 'é', '\n') }),
      fc.string({ unit: fc.constantFrom('"', '\\', ',', '}') }),
      (content, behind) => {
        const json = JSON.stringify(content);
        const before = '{"k":';
        const text = Buffer.from(before + json + behind);
        const end = before.length + Buffer.byteLength(json) - 1;
        expect(endOfJsonString(text, before.length)).toBe(end);
      },
    ),
  );
});

test('a string without an end ends with the text', () => {
  for (const text of ['"', '"abc', '"abc\\"', '"abc\\']) {
    expect(endOfJsonString(Buffer.from(text), 0)).toBe(text.length);
  }
});
