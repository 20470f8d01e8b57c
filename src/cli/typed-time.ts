// Reads a point in time as typed on a command line: a time span, a date with a time, or Unix milliseconds.
// Knows no option.

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** RFC 3339, section 5.6, with seconds; a time zone must be there. */
const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;

/**
 * @param nowMs Unix milliseconds, from which a time span counts
 * @param direction of a time span: 1 into the future, -1 into the past
 * @returns Unix milliseconds; undefined if the text is none of the forms
 */
export function timeOfTyped(typed: string, nowMs: number, direction: 1 | -1): number | undefined {
  const [, digits, unit] = /^(\d{1,15})([mhd])?$/.exec(typed) ?? [];
  const isSpan = unit === 'm' || unit === 'h' || unit === 'd';
  if (isSpan) return nowMs + direction * Number(digits) * unitMs[unit];
  if (digits !== undefined) return Number(digits);
  // Without the second test, JavaScript would take 31 February for 3 March.
  const time = rfc3339.test(typed) && isDay(typed.slice(0, 10)) ? Date.parse(typed) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

function isDay(text: string): boolean {
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}
