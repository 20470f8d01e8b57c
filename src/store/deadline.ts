// Turns a time to live into a deadline. Knows no clock.
import type { ExpiresAt } from './result.ts';

/**
 * Caps the deadline at the largest safe integer. A front end checks a time to live against its own
 * clock. That clock may be behind the store's, so the sum may be larger than the front end expects.
 *
 * @param now Unix milliseconds
 */
export function deadlineOf(now: number, ttlMs: number | undefined): ExpiresAt {
  return ttlMs === undefined ? undefined : Math.min(now + ttlMs, Number.MAX_SAFE_INTEGER);
}
