// Reads a rate of a token as typed, and prints the rates of a token.
import type { TokenView } from '../../access/views.ts';
import { parseByteSize } from '../../settings/byte-size.ts';
import { usageError } from '../command-error.ts';

export type TypedRates = Pick<TokenView, 'requestsPerSecond' | 'writtenBytesPerSecond'>;

const integer = 'a positive integer';

function checkRate(flag: string, typed: string, rate: number | undefined, forms: string): number {
  if (rate !== undefined && Number.isSafeInteger(rate) && rate > 0) return rate;
  throw usageError(`${flag} is ${JSON.stringify(typed)}; allowed: ${forms}`);
}

/** @throws CommandError */
export function parseRequestsPerSecond(typed: string): number {
  const rate = /^\d+$/.test(typed) ? Number(typed) : undefined;
  return checkRate('--requests-per-second', typed, rate, integer);
}

/** @throws CommandError */
export function parseWrittenBytesPerSecond(typed: string): number {
  const forms = `${integer}, or one with KiB, MiB or GiB`;
  return checkRate('--written-bytes-per-second', typed, parseByteSize(typed), forms);
}

export function ratesText({ requestsPerSecond, writtenBytesPerSecond }: TypedRates): string {
  const texts: string[] = [];
  if (requestsPerSecond !== undefined) texts.push(`${requestsPerSecond} requests/s`);
  if (writtenBytesPerSecond !== undefined) texts.push(`${writtenBytesPerSecond} bytes/s`);
  return texts.length === 0 ? 'none' : texts.join(', ');
}
