// Compares a reply of the dialect with that of Redis. Time, chance or a known difference may allow
// more than one reply (src/commands/DIALECT.md).
import { unreachable } from '../../../src/base/assert.ts';
import { nil, type Reply } from '../../../src/commands/reply.ts';

/** The most time between the two answers on a busy machine, in milliseconds. */
const toleranceMs = 5000;
/** All later deadlines are equal to Holdfast: a known difference. */
export const lastDeadline = Number.MAX_SAFE_INTEGER;

/** The reply as one line, with binary bytes escaped. */
export function show(reply: Reply): string {
  switch (reply.kind) {
    case 'status':
      return `+${reply.text}`;
    case 'bulk':
      return reply.value === null ? '(nil)' : showBytes(reply.value);
    case 'integer':
      return `:${reply.value}`;
    case 'array':
      return reply.items === null ? '(nil array)' : `[${reply.items.map(show).join(', ')}]`;
    case 'error':
      return `-${showBytes(reply.message)}`;
    default:
      return unreachable(reply);
  }
}

export function showBytes(bytes: string): string {
  const text = JSON.stringify(bytes).replace(
    /[\x7f-\xff]/g,
    (byte) => `\\x${byte.charCodeAt(0).toString(16)}`,
  );
  return text.length > 300 ? `${text.slice(0, 300)}… (${bytes.length} bytes)` : text;
}

/** Compares every byte: `show` cuts a long reply. */
export function isEqualReply(a: Reply, b: Reply): boolean {
  if (a.kind === 'array' && b.kind === 'array') {
    if (a.items === null || b.items === null) return a.items === b.items;
    const others = b.items.values();
    return (
      a.items.length === b.items.length &&
      a.items.every((item) => isEqualReply(item, others.next().value ?? nil))
    );
  }
  if (a.kind === 'bulk' && b.kind === 'bulk') return a.value === b.value;
  if (a.kind === 'integer' && b.kind === 'integer') return a.value === b.value;
  if (a.kind === 'status' && b.kind === 'status') return a.text === b.text;
  return a.kind === 'error' && b.kind === 'error' && a.message === b.message;
}

/** For the replies of TTL or PTTL. */
function isNearlySameTime(name: string, ours: Reply, theirs: Reply, now: number): boolean {
  if (ours.kind !== 'integer' || theirs.kind !== 'integer') return false;
  const [a, b] = [Number(ours.value), Number(theirs.value)];
  if (a < 0 || b < 0) return a === b;
  const deadline = (time: number) => time * (name === 'ttl' ? 1000 : 1) + now;
  return isNearlySameDeadline(deadline(a), deadline(b));
}

/** Compares Unix milliseconds. Beyond 2^53 all deadlines are equal: a known difference. */
export function isNearlySameDeadline(ours: number, theirs: number): boolean {
  return Math.abs(ours - Math.min(theirs, lastDeadline)) <= toleranceMs;
}

/**
 * For the replies of EXPIRETIME or PEXPIRETIME.
 *
 * @param isNew true if the two stores may have set the deadline at different times
 */
export function isNearlySameExpireTime(name: string, ours: Reply, theirs: Reply, isNew: boolean) {
  if (ours.kind !== 'integer' || theirs.kind !== 'integer') return false;
  const unit = name === 'expiretime' ? 1000 : 1;
  const [a, b] = [Number(ours.value), Number(theirs.value)];
  if (a < 0 || b < 0 || !isNew) return a === Math.min(b, Math.round(lastDeadline / unit));
  return isNearlySameDeadline(a * unit, b * unit);
}

/**
 * The elements of an array in a fixed order, if their order means nothing.
 *
 * @returns undefined if the reply is no array
 */
function sorted(reply: Reply): string | undefined {
  if (reply.kind !== 'array') return undefined;
  return reply.items?.map(show).toSorted().join();
}

function isTime(reply: Reply): boolean {
  if (reply.kind !== 'array' || reply.items?.length !== 2) return false;
  const [seconds = NaN, micros = NaN] = reply.items.map((item) =>
    item.kind === 'bulk' && /^\d+$/.test(item.value ?? '') ? Number(item.value) : NaN,
  );
  return Math.abs(seconds * 1000 - Date.now()) <= toleranceMs && micros < 1_000_000;
}

/** @returns units of 10^-17; undefined if the text is no plain decimal */
export function scaledDecimal(text: string): bigint | undefined {
  const match = /^(-?)(\d+)(?:\.(\d{1,17}))?$/.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = ''] = match;
  const magnitude = BigInt(whole + fraction.padEnd(17, '0'));
  return sign === '-' ? -magnitude : magnitude;
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/** Redis computes with 64 bits of mantissa, Holdfast in decimal: a known difference. */
export function isNearlySameNumber(ours: Reply, theirs: Reply, operands: readonly string[]) {
  if (ours.kind !== 'bulk' || theirs.kind !== 'bulk') return false;
  const [a, b] = [scaledDecimal(ours.value ?? ''), scaledDecimal(theirs.value ?? '')];
  if (a === undefined || b === undefined) return false;
  const sizes = operands.map((text) => absolute(scaledDecimal(text) ?? 0n));
  const largest = [absolute(a), ...sizes].reduce((x, y) => (x > y ? x : y));
  // Redis rounds numbers with more than 17 decimals, sometimes the other way.
  const rounding = operands.some((text) => /e-/i.test(text)) ? 1n : 0n;
  return absolute(a - b) <= (largest >> 61n) + rounding;
}

/** @param now Unix milliseconds */
export function isSameReply(name: string, ours: Reply, theirs: Reply, now: number): boolean {
  if (isEqualReply(ours, theirs)) return true;
  switch (name) {
    case 'ttl':
    case 'pttl':
      return isNearlySameTime(name, ours, theirs, now);
    case 'keys':
      return sorted(ours) !== undefined && sorted(ours) === sorted(theirs);
    case 'randomkey':
      return ours.kind === 'bulk' && theirs.kind === 'bulk' && ours.value !== null;
    case 'time':
      return isTime(ours) && isTime(theirs);
    default:
      return false;
  }
}
