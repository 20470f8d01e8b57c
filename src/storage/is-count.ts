// What may stand as a count, an offset, a seq or a stamp in a file.

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
