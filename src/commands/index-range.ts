// Ranges of indexes as GETRANGE, BITCOUNT and BITPOS take them: both ends inclusive, negative ones
// counted from the end.

export interface IndexRange {
  readonly first: number;
  readonly last: number;
}

/** @returns the part of 0..length - 1 that is meant, or undefined where it is empty */
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

/** Two negative ends in the wrong order, which would otherwise both become 0. */
export function isReversed(first: bigint, last: bigint): boolean {
  return first < 0n && last < 0n && first > last;
}

/** As `indexRange`, and empty where it is reversed. */
export function byteRange(first: bigint, last: bigint, length: number): IndexRange | undefined {
  return isReversed(first, last) ? undefined : indexRange(first, last, length);
}
