// Reads the request header x-ttl: the time to live of an item in seconds, spelled as clients spell
// numbers. Knows no store.
import { StoreError } from '../../base/errors.ts';

/** A longer time (over 31,000 years) means no expiry: its deadline would be no exact number. */
const ttlMsMax = 1e15;

/** Every spelling that JavaScript gives a number that is not negative. */
const numberPattern = /^(?:[0-9]+(?:\.[0-9]+)?(?:e[+-][0-9]+)?|Infinity)$/;

function secondsOf(header: string | string[]): number {
  // Node joins two headers into one text, which is no number.
  const isNumber = typeof header === 'string' && numberPattern.test(header);
  const seconds = isNumber ? Number(header) : 0;
  if (seconds > 0) return seconds;
  const detail =
    'x-ttl must be one positive number of seconds, such as 60, 0.5 or 1e-7, or Infinity for no ' +
    'expiry; it is rounded up to a millisecond.';
  throw new StoreError('BAD_REQUEST', detail, { parameter: 'x-ttl' });
}

/**
 * @returns milliseconds, 1 or more; undefined if the item does not expire
 * @throws StoreError BAD_REQUEST
 */
export function ttlMsOfHeader(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = secondsOf(header) * 1000;
  if (ms > ttlMsMax) return undefined;
  // Rounds to a billionth of a second first. The multiplication adds an error of that size, which
  // `ceil` would round up to a millisecond.
  return Math.max(1, Math.ceil(Number(ms.toFixed(6))));
}
