// Checks a parsed value that must be a count, an offset, a seq or a timestamp.

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
