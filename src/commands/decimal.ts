// Adds decimal numbers of any size exactly, for INCRBYFLOAT. Knows which texts strtold accepts and
// how Redis writes the sum. The range is that of Redis's long double (x86: 64 bits of mantissa).
//
// Redis rounds to 64 bits when it reads and when it adds. This file rounds only when it writes. So
// the two differ if more than about 19 digits count, the 17 behind the point among them. For
// example, 1000.1 + 0 is 1000.1 here and 1000.09999999999999998 in Redis. Only this file keeps the
// tenth of 1e20 + 0.1. The two agree if operands and sum are exact long doubles, as all integers up
// to 2^64 are. For amounts with two decimals they agree always below 10, nearly always below 100.

/** `digits` / 10^`scale`. */
export interface Decimal {
  readonly digits: bigint;
  /** Never negative. */
  readonly scale: number;
}

/** Length of Redis's buffer for a number, in bytes. */
const textMax = 5 * 1024 - 1;
/** Decimals in the output, as in Redis's format `%.17Lf`. */
const decimalsMax = 17;

/**
 * Redis rounds to 64 bits. A number from `infinite` on becomes infinite, and one of up to
 * 2^-`underflowBits` zero.
 */
const infinite = (2n ** 65n - 1n) * 2n ** 16319n;
const underflowBits = 16446;

const decimalForm = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i;
const hexForm = /^([+-]?)0x([\da-f]*)(?:\.([\da-f]*))?(?:p([+-]?\d+))?$/i;
/** An exponent this large is far beyond both ends of the range, whatever the digits. */
const exponentMax = 40_000;

function power(base: bigint, exponent: number): bigint {
  return base ** BigInt(exponent);
}

function isInfinite({ digits, scale }: Decimal): boolean {
  const magnitude = digits < 0n ? -digits : digits;
  return magnitude >= infinite * power(10n, scale);
}

function roundsToZero({ digits, scale }: Decimal): boolean {
  const magnitude = digits < 0n ? -digits : digits;
  return magnitude << BigInt(underflowBits) <= power(10n, scale);
}

/** digits * base^exponent, for the bases 10 and 2. */
function scaled(digits: bigint, base: 10 | 2, exponent: number): Decimal {
  if (exponent >= 0) return { digits: digits * power(BigInt(base), exponent), scale: 0 };
  // 2^-n is 5^n / 10^n.
  const factor = base === 2 ? power(5n, -exponent) : 1n;
  return { digits: digits * factor, scale: -exponent };
}

function parseForm(match: RegExpExecArray, base: 10 | 2): Decimal | undefined {
  const [, sign, whole = '', fraction = '', exponentText = '0'] = match;
  const text = whole + fraction;
  if (text === '') return undefined;
  const magnitude = base === 2 ? BigInt(`0x${text}`) : BigInt(text);
  if (magnitude === 0n) return { digits: 0n, scale: 0 };
  const exponent = Number(exponentText) - fraction.length * (base === 2 ? 4 : 1);
  if (Math.abs(exponent) > exponentMax) return undefined;
  const value = scaled(sign === '-' ? -magnitude : magnitude, base, exponent);
  return isInfinite(value) || roundsToZero(value) ? undefined : value;
}

/**
 * Parses a number as strtold does, decimal or hexadecimal. Infinity is a number.
 *
 * @returns undefined for any other text: spaces around the number, out of range, NaN
 */
export function parseDecimal(text: string): Decimal | 'infinity' | undefined {
  if (text.length > textMax) return undefined;
  if (/^[+-]?inf(?:inity)?$/i.test(text)) return 'infinity';
  const hex = hexForm.exec(text);
  if (hex !== null) return parseForm(hex, 2);
  const decimal = decimalForm.exec(text);
  return decimal === null ? undefined : parseForm(decimal, 10);
}

/** @returns undefined if the sum is out of range */
export function addDecimals(a: Decimal, b: Decimal): Decimal | undefined {
  const scale = Math.max(a.scale, b.scale);
  const at = ({ digits, scale: own }: Decimal) => digits * power(10n, scale - own);
  const sum = { digits: at(a) + at(b), scale };
  return isInfinite(sum) ? undefined : sum;
}

/** Rounds to the nearest, halves to even. */
function dividedRounding(dividend: bigint, divisor: bigint): bigint {
  const [quotient, twice] = [dividend / divisor, (dividend % divisor) * 2n];
  const isUp = twice > divisor || (twice === divisor && quotient % 2n === 1n);
  return isUp ? quotient + 1n : quotient;
}

/** Writes up to 17 decimals, without trailing zeros, without an exponent, never `-0`. */
export function formatDecimal({ digits, scale }: Decimal): string {
  const magnitude = digits < 0n ? -digits : digits;
  const isLong = scale > decimalsMax;
  const kept = isLong ? dividedRounding(magnitude, power(10n, scale - decimalsMax)) : magnitude;
  const decimals = isLong ? decimalsMax : scale;
  const text = kept.toString().padStart(decimals + 1, '0');
  const fraction = text.slice(text.length - decimals).replace(/0+$/, '');
  const whole = text.slice(0, text.length - decimals);
  const sign = digits < 0n && kept !== 0n ? '-' : '';
  return fraction === '' ? sign + whole : `${sign}${whole}.${fraction}`;
}
