// A namespace in front of a target has one spelling. All that look like it lead nowhere.
import { describe, expect, test } from 'vitest';
import { namespaceOfTarget } from '../../../src/http/wire/namespace-of-target.ts';

test.each([
  ['/ns/app/v1/keys/a', 'app', '/v1/keys/a'],
  ['/ns/A.b_c-1/v1/keys', 'A.b_c-1', '/v1/keys'],
  ['/ns/app/v1/keys/a?ttl=1s', 'app', '/v1/keys/a?ttl=1s'],
  ['/ns/app/v1/keys/ns/b/', 'app', '/v1/keys/ns/b/'],
  ['/ns/app/v1/keys//ns/b', 'app', '/v1/keys//ns/b'],
  ['/ns/ns/v1/keys', 'ns', '/v1/keys'],
  ['/ns/app', 'app', '/'],
  ['/ns/app/', 'app', '/'],
  ['/ns/app?x=1', 'app', '/?x=1'],
  ['http://localhost/ns/app/v1/keys/a', 'app', 'http://localhost/v1/keys/a'],
])('%s is of namespace %s, and the rest is %s', (target, namespace, rest) => {
  expect(namespaceOfTarget(target)).toEqual({ namespace, target: rest });
});

test.each(['/v1/keys/ns/app/', '/nsx/app/', '/', '/upstash/ns/app', '/v1/ns/app/keys', ''])(
  '%j names none',
  (target) => expect(namespaceOfTarget(target)).toBeUndefined(),
);

describe('malformed is', () => {
  test.each([
    '/ns', '/ns/', '/ns//v1/keys', '/ns?x', '/NS/app/v1/keys', '/Ns/app/v1/keys', '/nS/app/v1/keys',
    '/%6Es/app/v1/keys', '/n%73/app/v1/keys', '/%4E%53/app/v1/keys', '//ns/app/v1/keys', '///ns/app/',
    '/ns%2Fapp/v1/keys', '/ns/%61pp/v1/keys', '/ns/app%2Fv1/keys', '/ns/.app/v1/keys', '/ns/../v1/keys',
    '/ns/~access/v1/keys', '/ns/%7Eaccess/v1/keys', '/ns/a b/v1/keys', '/ns/é/v1/keys',
    `/ns/${'a'.repeat(65)}/v1/keys`, '/ns/a/ns/b/v1/keys', '/ns/a/NS/b/v1/keys', '/ns/a//ns/b/v1/keys',
    '/ns/a/%6es/b/v1/keys', 'http://localhost//ns/app/v1/keys',
  ])('%s', (target) => expect(namespaceOfTarget(target)).toBe('malformed')); // prettier-ignore
});
