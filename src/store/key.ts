// Inside the engine a key is its UTF-8 bytes as a one-byte string ("byte string"): comparing two
// is then comparing bytes, and a length is a length in bytes. Only front ends and files translate.
import { isAscii } from 'node:buffer';

/** The byte string of `text`, which must be well-formed Unicode. ASCII comes back unchanged. */
export function byteStringOfText(text: string): string {
  const bytes = Buffer.from(text, 'utf8');
  return bytes.length === text.length ? text : bytes.toString('latin1');
}

/** The text of a byte string that holds valid UTF-8. */
export function textOfByteString(bytes: string): string {
  const buffer = Buffer.from(bytes, 'latin1');
  return isAscii(buffer) ? bytes : buffer.toString('utf8');
}
