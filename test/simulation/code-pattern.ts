// Finds a piece of code by its words and signs alone, however it is laid out: white space, line
// breaks and comments in the source do not count, and neither do the quotes of a string.

/** What may stand between two words or signs of a source. */
const gap = String.raw`(?:\s|//[^\n]*\n|/\*[^]*?\*/)`;

/** An own name, a number or a word; or one sign. */
const tokens = /[\w$]+|[^\w\s]/g;

function patternOf(token: string): string {
  if (/^['"`]$/.test(token)) return '[\'"`]';
  return token.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
}

/**
 * A pattern for all places where this code stands, in any layout.
 *
 * @param code in the words of the source; without comments
 * @throws Error if there is no code in it
 */
export function codePattern(code: string): RegExp {
  const found = code.match(tokens);
  if (found === null) throw new Error('There is no code to look for.');
  let source = patternOf(found[0]);
  for (const [index, text] of found.entries()) {
    const before = found[index - 1];
    if (before === undefined) continue;
    const areWords = /[\w$]$/.test(before) && /^[\w$]/.test(text);
    source += `${gap}${areWords ? '+' : '*'}${patternOf(text)}`;
  }
  return new RegExp(source, 'g');
}

/** How often this code stands in a source. */
export function countOf(code: string, source: string): number {
  return source.match(codePattern(code))?.length ?? 0;
}
