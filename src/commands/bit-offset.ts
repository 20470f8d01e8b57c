// Checks the offset of a bit as commands give it. Knows no value.
import { RedisError } from './reply.ts';

/** Bits behind a value's end read as 0, up to Redis's default limit of 512 MB. */
export const readableBytesMax = 512 * 1024 * 1024;

export function badOffset(): RedisError {
  return new RedisError('bit offset is not an integer or out of range');
}

/**
 * @param offset undefined if the argument is no integer
 * @param bytesMax the bit must lie within so many bytes
 * @throws RedisError
 */
export function bitOffset(offset: bigint | undefined, bytesMax: number): number {
  if (offset === undefined || offset < 0n || offset >> 3n >= bytesMax) throw badOffset();
  return Number(offset);
}
