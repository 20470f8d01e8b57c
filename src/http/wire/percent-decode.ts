// Decodes percent-encoding to bytes, once and strictly. The result is a byte string
// (src/base/byte-string.ts), or undefined. Must not know keys or parameters.
import { isUtf8 } from 'node:buffer';

const percent = 0x25;

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** The bytes; undefined if a `%` is not followed by two hexadecimal digits. */
function decodeBytes(text: string): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    let byte = text.charCodeAt(i);
    if (byte === percent) {
      const high = hexDigit(text.charCodeAt(i + 1));
      const low = hexDigit(text.charCodeAt(i + 2));
      if (high < 0 || low < 0) return undefined;
      byte = (high << 4) | low;
      i += 2;
    }
    bytes[length++] = byte;
  }
  return bytes.subarray(0, length);
}

function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === percent || code > 0x7f) return false;
  }
  return true;
}

/**
 * Decodes to any bytes, valid UTF-8 or not.
 *
 * @param text part of a request target as node gives it, one character a byte. Raw bytes beyond
 *   ASCII, which some clients send, keep their values.
 */
export function percentDecodeBytes(text: string): string | undefined {
  return isPlain(text) ? text : decodeBytes(text)?.toString('latin1');
}

/** Also undefined if the bytes are not valid UTF-8. */
export function percentDecode(text: string): string | undefined {
  if (isPlain(text)) return text;
  const bytes = decodeBytes(text);
  return bytes !== undefined && isUtf8(bytes) ? bytes.toString('latin1') : undefined;
}
