// Checks a parsed count, offset, seq or timestamp.

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
