// Byte strings: bytes held as a one-byte string, one character a byte. The engine holds keys like
// this, so comparing keys is comparing bytes, and a length is in bytes. A shard also holds values
// like this. Only front ends and files translate to text.

/** Below this length, looking at characters is faster than a call into the runtime. */
const shortText = 64;

/** True if all characters are ASCII: then a text and its byte string are the same. */
export function isAsciiText(text: string): boolean {
  if (text.length >= shortText) return Buffer.byteLength(text, 'utf8') === text.length;
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}

/** The UTF-8 bytes of `text`, which must be well-formed Unicode. ASCII is returned unchanged. */
export function byteStringOfText(text: string): string {
  return isAsciiText(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** The text of a byte string that holds valid UTF-8. */
export function textOfByteString(bytes: string): string {
  return isAsciiText(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8');
}

/** A view of the same bytes, not a copy. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Bytes in either form: callers give what they have, and no copy is made on the way to the frame. Bytes
 * that are no string must not be changed after they were handed over.
 */
export type Bytes = Uint8Array | string;

/** The bytes as a byte string. */
export function byteStringOf(bytes: Bytes): string {
  return typeof bytes === 'string' ? bytes : byteStringOfBytes(bytes);
}

/** The bytes as a buffer. */
export function bytesOf(bytes: Bytes): Uint8Array {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
}

/** The same bytes, one character a byte. */
export function byteStringOfBytes(bytes: Uint8Array): string {
  return bufferOf(bytes).toString('latin1');
}
