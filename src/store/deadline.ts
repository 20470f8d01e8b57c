// Turns a time to live into a deadline. Knows no clock.
import type { ExpiresAt } from './result.ts';

/**
 * Caps the deadline at the largest safe integer. The front end's clock may be behind the store's,
 * so a time to live that the front end accepts may reach past it.
 *
 * @param now Unix milliseconds
 */
export function deadlineOf(now: number, ttlMs: number | undefined): ExpiresAt {
  return ttlMs === undefined ? undefined : Math.min(now + ttlMs, Number.MAX_SAFE_INTEGER);
}
