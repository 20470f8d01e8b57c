// Checks the offset of a bit as commands give it. Knows no value.
import { RedisError } from './reply.ts';

/** Behind a value there are zeros, up to where Redis has its limit unless told otherwise: 512 MB. */
export const readableBytesMax = 512 * 1024 * 1024;

export function badOffset(): RedisError {
  return new RedisError('bit offset is not an integer or out of range');
}

/**
 * @param offset undefined if it was no integer
 * @param bytesMax bytes in which it must lie
 * @throws CommandError
 */
export function bitOffset(offset: bigint | undefined, bytesMax: number): number {
  if (offset === undefined || offset < 0n || offset >> 3n >= bytesMax) throw badOffset();
  return Number(offset);
}
