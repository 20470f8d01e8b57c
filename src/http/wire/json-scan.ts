// Scans JSON text without parsing it; skips strings. Must not judge whether the text is JSON.
import { endOfJsonString } from '../../base/json-string.ts';

const quote = 0x22;
const openBracket = 0x5b;
const openBrace = 0x7b;
const comma = 0x2c;

const minus = 0x2d;
const numberBytes: ReadonlySet<number> = new Set(Buffer.from('0123456789.eE+-'));

function beginsNumber(byte: number | undefined): boolean {
  return byte === minus || (byte !== undefined && byte >= 0x30 && byte <= 0x39);
}

function beginsElement(byte: number | undefined): boolean {
  return byte === comma || byte === openBracket || byte === openBrace;
}

/**
 * Counts objects, arrays and items after a comma. Stops once the count is above `enough`. 64 MiB of
 * nothing but brackets and commas would take seconds to parse, and gigabytes of memory.
 */
export function elementsIn(text: Buffer, enough: number): number {
  let elements = 0;
  for (let i = 0; i < text.length && elements <= enough; i++) {
    const byte = text[i];
    if (byte === quote) i = endOfJsonString(text, i);
    else if (beginsElement(byte)) elements++;
  }
  return elements;
}

function isInNumber(byte: number | undefined): boolean {
  return byte !== undefined && numberBytes.has(byte);
}

/** Returns the numbers as written, in order. */
export function numbersIn(text: Buffer): string[] {
  const numbers: string[] = [];
  for (let i = 0; i < text.length; i++) {
    if (text[i] === quote) {
      i = endOfJsonString(text, i);
    } else if (beginsNumber(text[i])) {
      const start = i;
      while (isInNumber(text[i + 1])) i++;
      numbers.push(text.toString('latin1', start, i + 1));
    }
  }
  return numbers;
}
