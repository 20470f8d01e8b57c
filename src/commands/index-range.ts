// Resolves ranges of indexes as GETRANGE, BITCOUNT and BITPOS take them. Both ends are inclusive,
// and negative ones count from the end. Knows no value.

export interface IndexRange {
  readonly first: number;
  readonly last: number;
}

/** @returns the part of 0..length - 1 that the range covers, or undefined if it is empty */
export function indexRange(first: bigint, last: bigint, length: number): IndexRange | undefined {
  const size = BigInt(length);
  const fromStart = (index: bigint) => {
    const positive = index < 0n ? size + index : index;
    return positive < 0n ? 0n : positive;
  };
  const [from, to] = [fromStart(first), fromStart(last)];
  const end = to >= size ? size - 1n : to;
  return from > end ? undefined : { first: Number(from), last: Number(end) };
}

/** True if both ends are negative and in the wrong order. Clamping would turn both into 0. */
export function isReversed(first: bigint, last: bigint): boolean {
  return first < 0n && last < 0n && first > last;
}

/** Like `indexRange`, but empty if the range is reversed. */
export function byteRange(first: bigint, last: bigint, length: number): IndexRange | undefined {
  return isReversed(first, last) ? undefined : indexRange(first, last, length);
}
