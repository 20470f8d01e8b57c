// The request header x-ttl: how long an item lives, in seconds, as the clients' numbers are spelled.
// Knows what a number means here, and no store.
import { StoreError } from '../../base/errors.ts';

/** Longer ones (over 31,000 years) are none: their deadline would be no exact number. */
const ttlMsMax = 1e15;

/** Every way in which JavaScript writes a number that is not negative. */
const numberPattern = /^(?:[0-9]+(?:\.[0-9]+)?(?:e[+-][0-9]+)?|Infinity)$/;

function secondsOf(header: string | string[]): number {
  // Two headers come as one text, which is no number.
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
  // To a billionth first: the multiplication adds as much, and that is no time.
  return Math.max(1, Math.ceil(Number(ms.toFixed(6))));
}
