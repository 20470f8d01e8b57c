// Finds a piece of code by its words and signs alone, in any layout. White space, line breaks and
// comments of the source do not count, nor does the kind of quotes.

/** Matches everything that may stand between two words or signs of a source. */
const gap = String.raw`(?:\s|//[^\n]*\n|/\*[^]*?\*/)`;

/** A name, a number or a keyword; or one sign. */
const tokens = /[\w$]+|[^\w\s]/g;

function patternOf(token: string): string {
  if (/^['"`]$/.test(token)) return '[\'"`]';
  return token.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
}

/**
 * Makes a pattern that matches this code in any layout.
 *
 * @param code in the words of the source, without comments
 * @throws Error if it contains no code
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

/** Counts the places in a source that have this code. */
export function countOf(code: string, source: string): number {
  return source.match(codePattern(code))?.length ?? 0;
}
