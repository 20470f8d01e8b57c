// Reads a time at which a token expires, as typed. Knows no token.
import { usageError } from '../command-error.ts';

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** RFC 3339, section 5.6, with seconds; a time zone must be there. */
const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;

export const expiryForms = '30d, 12h or 90m from now, 2030-01-31T00:00:00Z, or Unix milliseconds';

/**
 * @param nowMs Unix milliseconds
 * @returns Unix milliseconds, in the future
 * @throws CommandError
 */
export function parseExpiry(typed: string, nowMs: number): number {
  const time = timeOf(typed, nowMs);
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

function timeOf(typed: string, nowMs: number): number | undefined {
  const [, digits, unit] = /^(\d{1,15})([mhd])?$/.exec(typed) ?? [];
  if (unit === 'm' || unit === 'h' || unit === 'd') return nowMs + Number(digits) * unitMs[unit];
  if (digits !== undefined) return Number(digits);
  // Without the second test, JavaScript would take 31 February for 3 March.
  const time = rfc3339.test(typed) && isDay(typed.slice(0, 10)) ? Date.parse(typed) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

function isDay(text: string): boolean {
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}
