// Tells texts that JSON writes as they are, so that no writer has to look at each character. Knows no
// document.

/** ASCII without the quote, the backslash and the control characters that JSON escapes. */
const plain = /^[\x20\x21\x23-\x5b\x5d-\x7f]*$/;

/** Longer texts are tested four characters at a time, in pieces that are copied here. */
const shortLengthMax = 1024;
const piece = Buffer.allocUnsafeSlow(64 * 1024);
const wordBytes = Int32Array.BYTES_PER_ELEMENT;
const words = new Int32Array(piece.buffer);

/** True if the text between two quotes is its own JSON. */
export function isPlainJson(text: string): boolean {
  const { length } = text;
  if (length <= shortLengthMax) return plain.test(text);
  if (Buffer.byteLength(text) !== length) return false;
  for (let from = 0; from < length; from += piece.length) {
    const written = piece.write(text.substring(from, from + piece.length), 'latin1');
    piece.fill(' ', written, Math.ceil(written / wordBytes) * wordBytes);
    if (!arePlain(Math.ceil(written / wordBytes))) return false;
  }
  return true;
}

/*
 * Tests all bytes of a word at once: Warren, "Hacker's Delight", 6-1. A byte below n sets its highest
 * bit in `(x - n) & ~x`, and equal bytes differ by 0, which is below 1.
 */
const below = 0x20202020;
const quotes = 0x22222222;
const backslashes = 0x5c5c5c5c;
const ones = 0x01010101;
const highestBits = 0x80808080;

/** True if the first words of the piece have no character that JSON escapes. */
function arePlain(count: number): boolean {
  let marks = 0;
  for (let index = 0; index < count; index++) {
    const word = words[index] as number;
    const quote = word ^ quotes;
    const backslash = word ^ backslashes;
    marks |=
      ((word - below) & ~word) | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash);
  }
  return (marks & highestBits) === 0;
}
