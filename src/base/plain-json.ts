// Tells texts that JSON writes as they are, so that no writer has to look at each character. Knows no
// document.

/** Printable ASCII without the quote and the backslash. */
const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** A longer text takes its writer so long that a look at it saves nothing. */
const plainLengthMax = 64 * 1024;

/** True if the text between two quotes is its own JSON. False for some long texts that are, too. */
export function isPlainJson(text: string): boolean {
  return text.length <= plainLengthMax && plain.test(text);
}
