// Reads deadlines as commands give them: relative or absolute, in seconds or milliseconds. Owns
// their arithmetic, which overflows exactly if Redis's does.
import { clampToNumber, int64Max, int64Min, parseInt64 } from './argument.ts';
import { RedisError, notAnInteger } from './reply.ts';

export interface ExpireUnit {
  readonly inSeconds: boolean;
  /** False: since the Unix epoch. */
  readonly isRelative: boolean;
}

function invalidExpireTime(name: string): RedisError {
  return new RedisError(`invalid expire time in '${name}' command`);
}

function int64(text: string): bigint {
  const value = parseInt64(text);
  if (value === undefined) throw new RedisError(notAnInteger);
  return value;
}

function absolute(name: string, time: bigint, unit: ExpireUnit, now: number): bigint {
  let deadline = time;
  if (unit.inSeconds) {
    // BigInt's division truncates as C's does.
    if (time > int64Max / 1000n || time < int64Min / 1000n) throw invalidExpireTime(name);
    deadline *= 1000n;
  }
  if (unit.isRelative) deadline += BigInt(now);
  if (deadline > int64Max) throw invalidExpireTime(name);
  return deadline;
}

/**
 * A deadline of EXPIRE and its kin, in Unix milliseconds; it may lie in the past. Past the year
 * 287396 all deadlines are one: entries hold numbers.
 *
 * @throws RedisError
 */
export function parseDeadline(name: string, text: string, unit: ExpireUnit, now: number): number {
  return clampToNumber(absolute(name, int64(text), unit, now));
}

/**
 * A deadline of SET, GETEX and their kin. The given time must be above zero.
 *
 * @throws RedisError
 */
export function parsePositiveDeadline(
  name: string,
  text: string,
  unit: ExpireUnit,
  now: number,
): number {
  const time = int64(text);
  if (time <= 0n) throw invalidExpireTime(name);
  return clampToNumber(absolute(name, time, unit, now));
}
