import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  areSameHash,
  hashOfNoToken,
  hashOfToken,
  idOfToken,
  isTokenId,
  makeToken,
} from '../../src/access/token.ts';

describe('a new token', () => {
  test('begins with hf_, carries its id, and has 256 random bits', () => {
    const { id, text } = makeToken();
    expect(text).toMatch(/^hf_[0-9a-z]{12}_[A-Za-z0-9_-]{43}$/);
    expect(idOfToken(text)).toBe(id);
    expect(isTokenId(id)).toBe(true);
    expect(Buffer.from(text.slice(-43), 'base64url')).toHaveLength(32);
  });

  test('is never the same, in its id or in its secret', () => {
    const tokens = Array.from({ length: 500 }, makeToken);
    expect(new Set(tokens.map(({ id }) => id)).size).toBe(500);
    expect(new Set(tokens.map(({ text }) => text.slice(-43))).size).toBe(500);
  });
});

describe('a text that is no token of the server has no id', () => {
  const { text } = makeToken();
  test.each([
    '',
    'hf_',
    text.slice(1),
    text.slice(0, -1),
    `${text}A`,
    ` ${text}`,
    text.toUpperCase(),
    `${text.slice(0, 15)}-${text.slice(16)}`,
  ])('%j', (other) => {
    expect(idOfToken(other)).toBeUndefined();
  });
});

describe('the hash of a token', () => {
  test('is its SHA-256, one character a byte', () => {
    const { text } = makeToken();
    expect(hashOfToken(text)).toBe(createHash('sha256').update(text).digest('binary'));
  });

  test('is the same as itself, and differs from one with any other byte', () => {
    const hash = hashOfToken('one');
    expect(areSameHash(hash, hashOfToken('one'))).toBe(true);
    expect(areSameHash(hash, hashOfNoToken)).toBe(false);
    for (let place = 0; place < hash.length; place++) {
      const other = String.fromCharCode(hash.charCodeAt(place) ^ 1);
      expect(areSameHash(hash, hash.slice(0, place) + other + hash.slice(place + 1))).toBe(false);
    }
  });
});
