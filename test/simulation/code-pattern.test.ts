import { describe, expect, test } from 'vitest';
import { codePattern, countOf } from './code-pattern.ts';

const code = "if (mustSync || fsync === 'always') this.#sync();";

describe('code is found', () => {
  test.each([
    ['as it was written', code],
    ['with line breaks', "if (mustSync ||\n      fsync === 'always')\n  this.#sync();"],
    ['with other quotes and no spaces', 'if(mustSync||fsync==="always")this.#sync();'],
    [
      'with comments in between',
      `if (mustSync /* or */ || fsync === 'always') // so\n this.#sync();`,
    ],
  ])('%s', (_name, source) => {
    expect(countOf(code, `before();\n${source}\nafter();`)).toBe(1);
  });

  test('as often as it is there', () => {
    expect(countOf('a + b', 'a+b; x = a\n+ b; a +c')).toBe(2);
  });
});

describe('code is not found', () => {
  test.each([
    ['if a word differs', code.replace('mustSync', 'mustSync2')],
    ['if a sign is missing', code.replace('||', '|')],
    ['if words are run together', 'returnx;'],
  ])('%s', (_name, source) => {
    expect(countOf(source === 'returnx;' ? 'return x;' : code, source)).toBe(0);
  });

  test('if there is none to look for', () => {
    expect(() => codePattern(' \n')).toThrow('no code');
  });
});
