// Finds where a string in JSON text ends. Must not judge whether the text is JSON.

const quote = 0x22;
const backslash = 0x5c;

/** @returns the index of the closing quote of the string that begins at `start`; or the text's length */
export function endOfJsonString(text: Buffer, start: number): number {
  const end = text.indexOf(quote, start + 1);
  if (end === -1) return text.length;
  if (text[end - 1] !== backslash) return end;
  // From here on byte by byte: a text with one escaped quote may have many.
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === quote) return at;
    if (text[at] === backslash) at += 1;
  }
  return text.length;
}
