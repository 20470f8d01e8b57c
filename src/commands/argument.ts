// Reads arguments, integers and words of options, as strictly as Redis does. Knows no command.
import { RedisError, notAnInteger } from './reply.ts';

export const int64Max = 2n ** 63n - 1n;
export const int64Min = -(2n ** 63n);

/** The argument at `index`; there by the command's arity, or checked by its caller. */
export function argumentAt(args: readonly string[], index: number): string {
  return args[index] ?? '';
}

/** Redis compares words of options as C strings: whatever follows a NUL does not count. */
export function untilNul(text: string): string {
  const end = text.indexOf('\0');
  return end === -1 ? text : text.slice(0, end);
}

/** The word of an option in upper case. Only ASCII letters have one here. */
export function optionWord(argument: string): string {
  return untilNul(argument).replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

/**
 * A signed 64-bit integer in its one spelling, or undefined: no sign `+`, no spaces, no zeros in
 * front, no `-0`.
 */
export function parseInt64(text: string): bigint | undefined {
  if (text.length > 20 || !/^(?:0|-?[1-9][0-9]*)$/.test(text)) return undefined;
  const value = BigInt(text);
  return value >= int64Min && value <= int64Max ? value : undefined;
}

/** @throws CommandError */
export function int64At(args: readonly string[], index: number, otherwise = notAnInteger): bigint {
  const value = parseInt64(argumentAt(args, index));
  if (value === undefined) throw new RedisError(otherwise);
  return value;
}

/** The nearest number: exact where it is below 2^53, and still in order above. */
export function clampToNumber(value: bigint): number {
  if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
  return value < Number.MIN_SAFE_INTEGER ? Number.MIN_SAFE_INTEGER : Number(value);
}
