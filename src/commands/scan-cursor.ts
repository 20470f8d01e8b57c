// The cursor of SCAN: the last key that a step saw, in decimal digits. So the server keeps no
// state, and clients may take cursors for numbers. A `1` comes first, then three digits a byte.
// So a cursor is never 0, which begins and ends a walk.
import { untilNul } from './argument.ts';
import { RedisError } from './reply.ts';

/** Keys are far shorter. A longer cursor cannot be valid, so the server does not decode it. */
const keyBytesMax = 64 * 1024;

/** @param after the last key that was looked at, or undefined if there are no more */
export function cursorBehind(after: string | undefined): string {
  if (after === undefined) return '0';
  let digits = '1';
  for (let i = 0; i < after.length; i++) digits += String(after.charCodeAt(i)).padStart(3, '0');
  return digits;
}

/**
 * @returns the key to continue behind; undefined at the beginning
 * @throws RedisError if the argument is no cursor of this server
 */
export function keyOfCursor(argument: string): string | undefined {
  const digits = untilNul(argument);
  // Redis reads the cursor with strtoul, which takes these for zero.
  if (/^(?:[+-]?0+)?$/.test(digits)) return undefined;
  const isOurs =
    digits.length <= 1 + 3 * keyBytesMax && /^1(?:[01]\d\d|2[0-4]\d|25[0-5])*$/.test(digits);
  if (!isOurs) throw new RedisError('invalid cursor');
  let key = '';
  for (let i = 1; i < digits.length; i += 3)
    key += String.fromCharCode(Number(digits.slice(i, i + 3)));
  return key;
}
