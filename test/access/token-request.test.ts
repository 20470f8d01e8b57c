import { describe, expect, test } from 'vitest';
import { parseTokenRequest, parseUserRequest } from '../../src/access/token-request.ts';

const now = 1_764_000_000_000;
const grants = [{ namespace: 'app', role: 'read' }];

describe('a request for a token', () => {
  test('has a name and grants, and whatever else is given', () => {
    expect(parseTokenRequest({ name: 'laptop', grants }, now)).toEqual({
      name: 'laptop',
      grants: [{ namespace: 'app', role: 'read', prefixes: undefined }],
      expiresAt: undefined,
      requestsPerSecond: undefined,
      writtenBytesPerSecond: undefined,
    });
    const more = { expiresAt: now + 1, requestsPerSecond: 10, writtenBytesPerSecond: 1000 };
    expect(parseTokenRequest({ name: 'é'.repeat(64), grants, ...more }, now)).toMatchObject(more);
  });

  test.each([
    [null, undefined],
    [[], undefined],
    ['laptop', undefined],
    [{ grants }, 'name'],
    [{ name: '', grants }, 'name'],
    [{ name: 5, grants }, 'name'],
    [{ name: 'x'.repeat(65), grants }, 'name'],
    [{ name: 'a\nb', grants }, 'name'],
    [{ name: '\u{7f}', grants }, 'name'],
    [{ name: '\ud800', grants }, 'name'],
    [{ name: 'laptop' }, 'grants'],
    [{ name: 'laptop', grants: [] }, 'grants'],
    [{ name: 'laptop', grants, expiresAt: now }, 'expiresAt'],
    [{ name: 'laptop', grants, expiresAt: now - 1 }, 'expiresAt'],
    [{ name: 'laptop', grants, expiresAt: now + 0.5 }, 'expiresAt'],
    [{ name: 'laptop', grants, expiresAt: `${now + 1}` }, 'expiresAt'],
    [{ name: 'laptop', grants, expiresAt: null }, 'expiresAt'],
    [{ name: 'laptop', grants, expiresAt: 2 ** 53 }, 'expiresAt'],
    [{ name: 'laptop', grants, requestsPerSecond: 0 }, 'requestsPerSecond'],
    [{ name: 'laptop', grants, writtenBytesPerSecond: '1' }, 'writtenBytesPerSecond'],
    [{ name: 'laptop', grants, id: 'mine' }, 'id'],
    [{ name: 'laptop', grants, hash: 'mine' }, 'hash'],
  ])('%j is refused by the member at fault', (json, parameter) => {
    expect(() => parseTokenRequest(json, now)).toThrow(
      expect.objectContaining({ code: 'BAD_REQUEST', parameter }),
    );
  });
});

describe('a request for a user', () => {
  test('says whether the user is disabled, which it is not otherwise', () => {
    expect(parseUserRequest({})).toEqual({ isDisabled: false });
    expect(parseUserRequest({ disabled: true })).toEqual({ isDisabled: true });
  });

  test.each([
    [null, undefined],
    [[], undefined],
    [{ disabled: null }, 'disabled'],
    [{ disabled: 'true' }, 'disabled'],
    [{ name: 'ann' }, 'name'],
  ])('%j is refused by the member at fault', (json, parameter) => {
    expect(() => parseUserRequest(json)).toThrow(
      expect.objectContaining({ code: 'BAD_REQUEST', parameter }),
    );
  });
});
