// Patterns of KEYS and SCAN.
import { describe, expect, test } from 'vitest';
import { compileGlob, literalPrefix } from '../../src/commands/glob.ts';

describe('compileGlob', () => {
  test.each([
    ['*', 'anything'],
    ['h?llo', 'hello'],
    ['h*llo', 'hllo'],
    ['h*llo', 'heeeello'],
    ['h[ae]llo', 'hallo'],
    ['h[^e]llo', 'hallo'],
    ['h[a-b]llo', 'hbllo'],
    ['h[b-a]llo', 'hbllo'],
    ['\\*\\?\\[', '*?['],
    ['[\\]]', ']'],
    ['*a*b*', 'xxaxxbxx'],
    ['a**', 'a'],
    ['[\x80-\xff]', '\xc3'],
    ['\0?', '\0\0'],
    // Malformed patterns, as Redis takes them.
    ['a\\', 'a\\'],
    ['[^', 'a'],
    ['[ab', 'b'],
    ['[a-', 'a'],
    ['[a-', '-'],
    ['', ''],
  ])('%j matches %j', (pattern, key) => {
    expect(compileGlob(pattern)(key)).toBe(true);
  });

  test.each([
    ['h?llo', 'hllo'],
    ['h[^e]llo', 'hello'],
    ['H*', 'hello'],
    ['a*b', 'abc'],
    ['*ab', 'aba'],
    ['[', '['],
    ['[]', ']'],
    ['a', ''],
    ['', 'a'],
    ['a?*', 'a'],
  ])('%j does not match %j', (pattern, key) => {
    expect(compileGlob(pattern)(key)).toBe(false);
  });

  test('is soon done with a pattern made to be slow', () => {
    const matches = compileGlob('*a'.repeat(200) + 'b');
    const started = performance.now();
    expect(matches('a'.repeat(20_000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

test.each([
  ['user:*', 'user:'],
  ['a\\*b?', 'a*b'],
  ['exact', 'exact'],
  ['[a]b', ''],
  ['*', ''],
  ['\\', '\\'],
])('literalPrefix of %j is %j', (pattern, prefix) => {
  expect(literalPrefix(pattern)).toBe(prefix);
});
