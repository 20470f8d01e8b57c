// Matches patterns of KEYS and SCAN: `*`, `?`, `[abc]`, `[^a-c]`, `\` before a literal byte. Treats
// a malformed pattern as Redis's stringmatchlen does. Matches without recursion, in at most the
// square of the key's length, however long the pattern is. Knows no command.

/** One part of a pattern: `many` matches any number of bytes, any other part one byte. */
type Token =
  | { readonly kind: 'many' }
  | { readonly kind: 'any' }
  | { readonly kind: 'byte'; readonly byte: string }
  /** 1 at each byte that the class contains. */
  | { readonly kind: 'class'; readonly bytes: Uint8Array };

const many: Token = { kind: 'many' };
const any: Token = { kind: 'any' };

/** Parses a class, from the byte after its `[`. A class without `]` ends with the pattern. */
function parseClass(pattern: string, start: number): { token: Token; end: number } {
  const isNegated = pattern[start] === '^';
  const [outside, inside] = isNegated ? [1, 0] : [0, 1];
  const bytes = new Uint8Array(256).fill(outside);
  const include = (one: number, other: number) =>
    bytes.fill(inside, Math.min(one, other), Math.max(one, other) + 1);
  let at = isNegated ? start + 1 : start;
  while (at < pattern.length && pattern[at] !== ']') {
    const left = pattern.length - at;
    if (pattern[at] === '\\' && left >= 2) {
      include(pattern.charCodeAt(at + 1), pattern.charCodeAt(at + 1));
      at += 2;
    } else if (left >= 3 && pattern[at + 1] === '-') {
      include(pattern.charCodeAt(at), pattern.charCodeAt(at + 2));
      at += 3;
    } else {
      include(pattern.charCodeAt(at), pattern.charCodeAt(at));
      at += 1;
    }
  }
  return { token: { kind: 'class', bytes }, end: at + 1 };
}

function parseGlob(pattern: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < pattern.length) {
    const byte = pattern.charAt(at);
    if (byte === '[') {
      const { token, end } = parseClass(pattern, at + 1);
      tokens.push(token);
      at = end;
      continue;
    }
    const isEscape = byte === '\\' && at + 1 < pattern.length;
    if (byte === '*') {
      if (tokens.at(-1) !== many) tokens.push(many);
    } else if (byte === '?') {
      tokens.push(any);
    } else {
      tokens.push({ kind: 'byte', byte: isEscape ? pattern.charAt(at + 1) : byte });
    }
    at += isEscape ? 2 : 1;
  }
  return tokens;
}

function takes(token: Token, byte: string): boolean {
  if (token.kind === 'byte') return token.byte === byte;
  return token.kind === 'class' ? token.bytes[byte.charCodeAt(0)] === 1 : true;
}

/** On a mismatch, the last `*` takes one more byte. Earlier ones need no other try. */
function matches(tokens: readonly Token[], key: string): boolean {
  let [token, at] = [0, 0];
  let [starToken, starAt] = [-1, 0];
  while (at < key.length) {
    const wanted = tokens[token];
    if (wanted?.kind === 'many') {
      [starToken, starAt] = [token, at];
      token += 1;
    } else if (wanted !== undefined && takes(wanted, key.charAt(at))) {
      token += 1;
      at += 1;
    } else if (starToken >= 0) {
      starAt += 1;
      [token, at] = [starToken + 1, starAt];
    } else {
      return false;
    }
  }
  if (tokens[token]?.kind === 'many') token += 1;
  return token === tokens.length;
}

/** Compiles a pattern once, to match many keys. Pattern and keys are byte strings. */
export function compileGlob(pattern: string): (key: string) => boolean {
  const tokens = parseGlob(pattern);
  // stringmatchlen matches the empty key with no `*`. But KEYS skips the match for the pattern `*`.
  return (key) => (key === '' ? pattern === '' || pattern === '*' : matches(tokens, key));
}

/** The common prefix of all keys that match; the whole pattern if it has no wildcard. */
export function literalPrefix(pattern: string): string {
  let prefix = '';
  for (const token of parseGlob(pattern)) {
    if (token.kind !== 'byte') break;
    prefix += token.byte;
  }
  return prefix;
}
