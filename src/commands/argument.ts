// Reads arguments, integers and words of options, as strictly as Redis does. Knows no command.
import { RedisError, notAnInteger } from './reply.ts';

export const int64Max = 2n ** 63n - 1n;
export const int64Min = -(2n ** 63n);

/** The argument at `index`. The command's arity, or its caller, guarantees that it exists. */
export function argumentAt(args: readonly string[], index: number): string {
  return args[index] ?? '';
}

/** Redis compares words of options as C strings, so bytes behind a NUL do not count. */
export function untilNul(text: string): string {
  const end = text.indexOf('\0');
  return end === -1 ? text : text.slice(0, end);
}

/** The word of an option in upper case. As in Redis, only ASCII letters change. */
export function optionWord(argument: string): string {
  return untilNul(argument).replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

/**
 * Parses a signed 64-bit integer in its one spelling: no sign `+`, no spaces, no leading zeros, no
 * `-0`.
 *
 * @returns undefined for any other text
 */
export function parseInt64(text: string): bigint | undefined {
  if (text.length > 20 || !/^(?:0|-?[1-9][0-9]*)$/.test(text)) return undefined;
  const value = BigInt(text);
  return value >= int64Min && value <= int64Max ? value : undefined;
}

/** @throws RedisError */
export function int64At(args: readonly string[], index: number, otherwise = notAnInteger): bigint {
  const value = parseInt64(argumentAt(args, index));
  if (value === undefined) throw new RedisError(otherwise);
  return value;
}

/** Clamps to integers that a number holds exactly. Larger ones become equal. */
export function clampToNumber(value: bigint): number {
  if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
  return value < Number.MIN_SAFE_INTEGER ? Number.MIN_SAFE_INTEGER : Number(value);
}
