// Reads a time at which a token expires, as typed. Knows no token.
import { usageError } from '../command-error.ts';
import { timeOfTyped } from '../typed-time.ts';

export const expiryForms = '30d, 12h or 90m from now, 2030-01-31T00:00:00Z, or Unix milliseconds';

/**
 * @param nowMs Unix milliseconds
 * @returns Unix milliseconds, in the future
 * @throws CommandError
 */
export function parseExpiry(typed: string, nowMs: number): number {
  const time = timeOfTyped(typed, nowMs, 1);
  if (time === undefined || !Number.isSafeInteger(time)) {
    throw usageError(`--expires is ${JSON.stringify(typed)}; allowed: ${expiryForms}`);
  }
  if (time > nowMs) return time;
  const now = new Date(nowMs).toISOString();
  throw usageError(
    `--expires is ${JSON.stringify(typed)}, which is not in the future: it is ${now} now; allowed: ` +
      expiryForms,
  );
}
