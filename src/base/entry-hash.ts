// Hashes names of entries under a secret key: HalfSipHash-1-3 of Aumasson and Bernstein, as Linux
// has it for its hash tables. Clients choose the keys of entries. Without the secret they could
// choose many that collide. Knows nothing of the table that the hashes are for.
import { randomBytes } from 'node:crypto';

/** The secret: two numbers of 32 bits. */
export type HashKey = readonly [number, number];

/**
 * Gives 32 bits as a signed integer, the same for the same name.
 *
 * @param namespace its number in the table
 * @param key a byte string (src/base/byte-string.ts)
 */
export type EntryHash = (namespace: number, key: string) => number;

export function randomHashKey(): HashKey {
  const bytes = randomBytes(8);
  return [bytes.readInt32LE(0), bytes.readInt32LE(4)];
}

/** Four bytes of the key, the lowest first. */
function wordAt(key: string, at: number): number {
  return (
    key.charCodeAt(at) |
    (key.charCodeAt(at + 1) << 8) |
    (key.charCodeAt(at + 2) << 16) |
    (key.charCodeAt(at + 3) << 24)
  );
}

/** The last bytes, less than four of them, and the count of all hashed bytes above them. */
function lastWord(key: string, at: number): number {
  let word = (key.length + 4) << 24;
  for (let byte = 0; at + byte < key.length; byte++) {
    word |= key.charCodeAt(at + byte) << (8 * byte);
  }
  return word;
}

/** Hashes the four bytes of the namespace's number, the lowest first, and the key behind them. */
export function newEntryHash([key0, key1]: HashKey): EntryHash {
  return (namespace, key) => {
    let v0 = key0 | 0;
    let v1 = key1 | 0;
    let v2 = key0 ^ 0x6c796765;
    let v3 = key1 ^ 0x74656462;
    const words = key.length >>> 2;
    // One round for each word, and three behind the last one.
    for (let step = -1; step <= words + 3; step++) {
      let word = 0;
      if (step === -1) word = namespace;
      else if (step < words) word = wordAt(key, 4 * step);
      else if (step === words) word = lastWord(key, 4 * step);
      else if (step === words + 1) v2 ^= 0xff;
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }
    return v1 ^ v3;
  };
}
