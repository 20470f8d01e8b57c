import { expect, test } from 'vitest';
import { newEntryHash, randomHashKey } from '../../src/base/entry-hash.ts';

/** The bytes from 0 on: the first four are the namespace's number, and the rest is the key. */
const keyOf = (bytes: number): string =>
  String.fromCharCode(...Array.from({ length: bytes - 4 }, (_, index) => index + 4));

// From the self-test of Linux, for its 32-bit machines.
test.each([
  [4, 0x7e059ea6],
  [5, 0x88e3d89b],
  [7, 0x9d38d9d6],
  [8, 0x577999b1],
  [15, 0xd0257b04],
  [63, 0x87178304],
])('the hash of %i bytes is that of HalfSipHash-1-3', (bytes, expected) => {
  const hashOf = newEntryHash([0x03020100, 0x07060504]);
  expect(hashOf(0x03020100, keyOf(bytes)) >>> 0).toBe(expected);
});

test('a hash depends on the secret, the namespace, and each byte of the key', () => {
  const hashOf = newEntryHash(randomHashKey());
  const hashes = new Set([
    newEntryHash(randomHashKey())(0, 'key'),
    hashOf(1, 'key'),
    ...['key', 'kez', 'ke', 'kex', '', 'key\0', '\0key'].map((key) => hashOf(0, key)),
    ...[255, 256, 257, 4096].map((length) => hashOf(0, 'a'.repeat(length))),
  ]);
  // Two of thirteen are the same once in fifty million runs.
  expect(hashes.size).toBe(13);
  expect(hashOf(0, 'key')).toBe(hashOf(0, 'key'));
});
