import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { byteStringOfText, textOfByteString } from '../../src/base/byte-string.ts';

const texts = fc.string({ unit: 'binary' });

test('a byte string has the bytes of its text, a character a byte, and gives the text back', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const bytes = byteStringOfText(text);
      expect(Buffer.from(bytes, 'latin1').equals(Buffer.from(text, 'utf8'))).toBe(true);
      expect(textOfByteString(bytes)).toBe(text);
    }),
  );
});

test('byte strings compare as their bytes do', () => {
  fc.assert(
    fc.property(texts, texts, (a, b) => {
      const [first, second] = [byteStringOfText(a), byteStringOfText(b)];
      const order = first < second ? -1 : first > second ? 1 : 0;
      expect(order).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});
