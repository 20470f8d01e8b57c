// Byte strings: bytes held as a one-byte string, a character a byte. Keys are held so inside the
// engine (comparing two is then comparing bytes, and a length is a length in bytes), and values
// inside a shard. Only front ends and files translate to text.

/** The UTF-8 bytes of `text`, which must be well-formed Unicode. ASCII comes back unchanged. */
export function byteStringOfText(text: string): string {
  if (Buffer.byteLength(text, 'utf8') === text.length) return text;
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** The text of a byte string that holds valid UTF-8. */
export function textOfByteString(bytes: string): string {
  // One byte a character in UTF-8 means that it is ASCII, and so its own text.
  if (Buffer.byteLength(bytes, 'utf8') === bytes.length) return bytes;
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** The bytes themselves, a character a byte. */
export function byteStringOfBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
