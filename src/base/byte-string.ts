// Byte strings: bytes held as a one-byte string, one character a byte. The engine holds keys like
// this, so comparing keys is comparing bytes, and a length is in bytes. A shard also holds values
// like this. Only front ends and files translate to text.

/** The UTF-8 bytes of `text`, which must be well-formed Unicode. ASCII is returned unchanged. */
export function byteStringOfText(text: string): string {
  if (Buffer.byteLength(text, 'utf8') === text.length) return text;
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** The text of a byte string that holds valid UTF-8. */
export function textOfByteString(bytes: string): string {
  // A byte string with one byte a character in UTF-8 is ASCII, and so its own text.
  if (Buffer.byteLength(bytes, 'utf8') === bytes.length) return bytes;
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** A view of the same bytes, not a copy. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The same bytes, one character a byte. */
export function byteStringOfBytes(bytes: Uint8Array): string {
  return bufferOf(bytes).toString('latin1');
}
