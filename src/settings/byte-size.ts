// Parses and formats byte sizes as people write them: `67108864` or `64MiB`, and nothing else.

const unitBytes = new Map([
  ['', 1],
  ['KiB', 1024],
  ['MiB', 1024 ** 2],
  ['GiB', 1024 ** 3],
]);

/** The number of bytes, or undefined if `text` is not a size. */
export function parseByteSize(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d+)(KiB|MiB|GiB)?$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  return Number(digits) * (unitBytes.get(unit) ?? 1);
}

/** The shortest spelling that parses back to `bytes`. */
export function formatByteSize(bytes: number): string {
  let shortest = String(bytes);
  for (const [unit, size] of unitBytes) {
    if (bytes >= size && bytes % size === 0) shortest = `${bytes / size}${unit}`;
  }
  return shortest;
}
