import { describe, expect, test } from 'vitest';
import { checkNamespaceName, isNamespaceName } from '../../src/base/namespace-name.ts';

describe('a name of a namespace', () => {
  test.each(['a', 'app', 'App.v2', 'A-_.9', '-', '_', '7', 'a..b', 'x'.repeat(64)])(
    '%j is valid',
    (name) => {
      expect(isNamespaceName(name)).toBe(true);
      expect(() => checkNamespaceName(name, 'namespace')).not.toThrow();
    },
  );

  test.each([
    '',
    '.',
    '..',
    '.a',
    '*',
    '~access',
    'a b',
    'a/b',
    'a%2Fb',
    'é',
    'a\n',
    '\na',
    'a\0',
    'x'.repeat(65),
    undefined,
    null,
    5,
    ['a'],
  ])('%j is refused by the parameter that holds it', (name) => {
    expect(isNamespaceName(name)).toBe(false);
    expect(() => checkNamespaceName(name, 'Holdfast-Namespace')).toThrow(
      expect.objectContaining({ code: 'NAMESPACE_INVALID', parameter: 'Holdfast-Namespace' }),
    );
  });
});
