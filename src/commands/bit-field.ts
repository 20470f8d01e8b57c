// Reads and writes integers of 1 to 64 bits at any bit of a byte string, the highest bit first.
// Owns the treatment of integers that do not fit. Knows no command.

/** `i` is signed (two's complement, 1 to 64 bits), `u` is unsigned (1 to 63 bits). */
export interface FieldType {
  readonly isSigned: boolean;
  readonly bits: number;
}

/** WRAP keeps the lowest bits. SAT takes the nearest integer that fits. FAIL writes nothing. */
export type Overflow = 'WRAP' | 'SAT' | 'FAIL';

/** A JavaScript number holds integers of this width exactly, with a bit to spare. */
const exactBits = 52;

/** Reads up to 52 bits, unsigned. Bits behind the end of the value are 0. */
function readBits(value: string | Uint8Array, offset: number, bits: number): number {
  let result = 0;
  for (let left = bits, at = offset; left > 0;) {
    const index = Math.floor(at / 8);
    const byte = (typeof value === 'string' ? value.charCodeAt(index) : value[index]) || 0;
    const behind = 8 - (at % 8);
    const taken = Math.min(behind, left);
    result = result * 2 ** taken + ((byte >> (behind - taken)) & (2 ** taken - 1));
    left -= taken;
    at += taken;
  }
  return result;
}

/** @returns a bigint only if a number would not be exact */
export function readField(
  value: string | Uint8Array,
  offset: number,
  { isSigned, bits }: FieldType,
): number | bigint {
  if (bits <= exactBits) {
    const plain = readBits(value, offset, bits);
    return isSigned && plain >= 2 ** (bits - 1) ? plain - 2 ** bits : plain;
  }
  const low = BigInt(readBits(value, offset + bits - 32, 32));
  const plain = (BigInt(readBits(value, offset, bits - 32)) << 32n) | low;
  return isSigned ? BigInt.asIntN(bits, plain) : plain;
}

/** Writes the lowest bits of `field`. They must lie within the bytes. */
export function writeField(bytes: Uint8Array, offset: number, bits: number, field: bigint): void {
  let rest = BigInt.asUintN(bits, field);
  for (let end = offset + bits; end > offset;) {
    const at = Math.floor((end - 1) / 8);
    const taken = Math.min(((end - 1) % 8) + 1, end - offset);
    const shift = 8 * (at + 1) - end;
    const mask = (2 ** taken - 1) << shift;
    const part = Number(BigInt.asUintN(taken, rest)) << shift;
    bytes[at] = ((bytes[at] ?? 0) & ~mask) | part;
    rest >>= BigInt(taken);
    end -= taken;
  }
}

/**
 * The content of a field after the addition of `increment` to `value`.
 *
 * @param value one that the field may hold, or any 64-bit integer with an increment of 0
 * @param increment a signed 64-bit integer
 * @returns undefined if the command must not write the field
 */
export function fieldAfter(
  value: bigint,
  increment: bigint,
  { isSigned, bits }: FieldType,
  overflow: Overflow,
): bigint | undefined {
  const start = isSigned ? value : BigInt.asUintN(64, value);
  const sum = start + increment;
  const max = 2n ** BigInt(isSigned ? bits - 1 : bits) - 1n;
  const min = isSigned ? -max - 1n : 0n;
  if (sum >= min && sum <= max) return sum;
  if (overflow === 'FAIL') return undefined;
  if (overflow === 'WRAP') return isSigned ? BigInt.asIntN(bits, sum) : BigInt.asUintN(bits, sum);
  // Redis takes the distance to `max` in 64 bits, so an integer that is far too small overflows
  // upwards.
  const distance = BigInt.asIntN(64, max - start);
  const isAbove = sum > max || (isSigned && bits < 64 && increment > distance);
  return isAbove ? max : min;
}
