import { describe, expect, test } from 'vitest';
import { grantsOfJson } from '../../../src/access/grant.ts';
import { grantText, parseGrant } from '../../../src/cli/admin/grant-option.ts';
import { CommandError } from '../../../src/cli/command-error.ts';

describe('a typed grant', () => {
  test.each<[string, object]>([
    ['app:write', { namespace: 'app', role: 'write' }],
    ['*:admin', { namespace: '*', role: 'admin' }],
    ['app:read:user:', { namespace: 'app', role: 'read', prefixes: ['user:'] }],
    ['app:read:user:,cart:a', { namespace: 'app', role: 'read', prefixes: ['user:', 'cart:a'] }],
    [
      String.raw`app:read:a\,b,c\\,\d`,
      { namespace: 'app', role: 'read', prefixes: ['a,b', 'c\\', '\\d'] },
    ],
    ['app:read:ключ,😀', { namespace: 'app', role: 'read', prefixes: ['ключ', '😀'] }],
    // Judged by the rules of grants, which refuse an empty prefix.
    ['app:read:', { namespace: 'app', role: 'read', prefixes: [''] }],
    ['app:read:a,', { namespace: 'app', role: 'read', prefixes: ['a', ''] }],
  ])('%s', (typed, grant) => expect(parseGrant(typed)).toEqual(grant));

  test.each(['', 'app', 'app:', ':read', '::', 'app::user'])('%j is wrong usage', (typed) => {
    expect(() => parseGrant(typed)).toThrow(CommandError);
    expect(() => parseGrant(typed)).toThrow(/; allowed: NAMESPACE:ROLE\[:PREFIX,…\], such as/);
  });
});

test.each(['app:owner', '*:READ', 'app:write :user:'])('%j has a role that is none', (typed) => {
  expect(() => parseGrant(typed)).toThrow(
    /^--grant ".+" has the role ".+"; allowed: read, write, /,
  );
});

test('a printed grant can be typed again, whatever its prefixes are', () => {
  for (const prefixes of [undefined, ['user:'], ['a,b', '\\', '\\,', 'c'], ['a\\'], [' ', 'é']]) {
    const [grant] = grantsOfJson([{ namespace: 'app', role: 'write', prefixes }]);
    if (grant === undefined) throw new Error('a grant is missing');
    const document = { namespace: 'app', role: 'write' as const, ...(prefixes && { prefixes }) };
    expect(parseGrant(grantText(document))).toEqual(document);
  }
});
