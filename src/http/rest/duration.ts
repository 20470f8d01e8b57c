// Reads durations in requests: `<integer><unit>`, or a bare integer of seconds. Knows no parameter.

const durationText = /^([0-9]+)(ms|s|m|h|d)?$/;
const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

function isUnit(text: string): text is keyof typeof unitMs {
  return Object.hasOwn(unitMs, text);
}

/** @returns milliseconds, which may be more than an exact number; undefined if it is no duration */
export function durationMsOf(text: string): number | undefined {
  const [, digits, unit = 's'] = durationText.exec(text) ?? [];
  return digits === undefined || !isUnit(unit) ? undefined : Number(digits) * unitMs[unit];
}
