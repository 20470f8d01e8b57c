// Reads and combines bits of byte strings. As in Redis, bit 0 is the highest of the first byte.
import { assert } from '../base/assert.ts';

export function bytesOfByteString(value: string): Buffer {
  return Buffer.from(value, 'latin1');
}

/** 0 or 1; 0 behind the end. */
export function bitAt(bytes: Uint8Array | string, index: number): number {
  const at = Math.floor(index / 8);
  const byte = typeof bytes === 'string' ? bytes.charCodeAt(at) : bytes[at];
  return ((byte ?? 0) >> (7 - (index % 8))) & 1;
}

const ones = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0;
  for (let rest = byte; rest > 0; rest >>= 1) count += rest & 1;
  return count;
});

/** The byte at `at`, with all bits outside first..last of the whole string cleared. */
function maskedByte(bytes: Uint8Array, at: number, first: number, last: number): number {
  let byte = bytes[at] ?? 0;
  if (at === Math.floor(first / 8)) byte &= 0xff >> (first % 8);
  if (at === Math.floor(last / 8)) byte &= 0xff << (7 - (last % 8));
  return byte & 0xff;
}

/** Counts the set bits among first..last. The range must lie within the bytes. */
export function countOnes(bytes: Uint8Array, first: number, last: number): number {
  const [from, to] = [Math.floor(first / 8), Math.floor(last / 8)];
  let count = ones[maskedByte(bytes, from, first, last)] ?? 0;
  if (from === to) return count;
  for (let at = from + 1; at < to; at++) count += ones[bytes[at] ?? 0] ?? 0;
  return count + (ones[maskedByte(bytes, to, first, last)] ?? 0);
}

/**
 * Finds the first bit of first..last that is `bit`. The range must lie within the bytes.
 *
 * @returns undefined if there is none
 */
export function findBit(
  bytes: Uint8Array,
  bit: 0 | 1,
  first: number,
  last: number,
): number | undefined {
  const skipped = bit === 1 ? 0 : 0xff;
  for (let index = first; index <= last;) {
    if (index % 8 === 0 && bytes[index / 8] === skipped) index += 8;
    else if (bitAt(bytes, index) === bit) return index;
    else index += 1;
  }
  return undefined;
}

export type BitOperator = 'AND' | 'OR' | 'XOR';

/** Combines the sources. Shorter ones count as if zeros followed, up to the length of the longest. */
export function combine(operator: BitOperator, sources: readonly Uint8Array[]): Buffer {
  const [first, ...others] = sources;
  assert(first !== undefined, 'at least one source');
  const result = Buffer.alloc(sources.reduce((most, { length }) => Math.max(most, length), 0));
  result.set(first);
  for (const source of others) combineInto(result, operator, source);
  return result;
}

function combineInto(result: Uint8Array, operator: BitOperator, source: Uint8Array): void {
  for (let i = 0; i < result.length; i++) {
    const [a, b] = [result[i] ?? 0, source[i] ?? 0];
    result[i] = operator === 'AND' ? a & b : operator === 'OR' ? a | b : a ^ b;
  }
}

export function inverted(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.map((byte) => ~byte));
}
