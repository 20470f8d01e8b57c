// Reads a time to live: `<integer><unit>`, or a bare integer of seconds. Knows no store.
import { StoreError } from '../../../base/errors.ts';

const ttlText = /^([0-9]+)(ms|s|m|h|d)?$/;
const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

function isUnit(text: string): text is keyof typeof unitMs {
  return Object.hasOwn(unitMs, text);
}

function ttlInvalid(): StoreError {
  const detail =
    'ttl must be a positive integer of seconds, or one with a unit: ms, s, m, h or d. ' +
    'The deadline must be before the year 287396.';
  return new StoreError('BAD_REQUEST', detail, { parameter: 'ttl' });
}

function checkedTtl(ttlMs: number, nowMs: number): number {
  // The deadline must be an exact number too.
  if (ttlMs < 1 || !Number.isSafeInteger(ttlMs)) throw ttlInvalid();
  if (!Number.isSafeInteger(Math.ceil(nowMs) + ttlMs)) throw ttlInvalid();
  return ttlMs;
}

/** @returns milliseconds */
export function parseTtl(text: string, nowMs: number): number {
  const [, digits, unit = 's'] = ttlText.exec(text) ?? [];
  if (digits === undefined || !isUnit(unit)) throw ttlInvalid();
  return checkedTtl(Number(digits) * unitMs[unit], nowMs);
}

/** A time to live in JSON: a text as for `parseTtl`, or an integer of seconds. In milliseconds. */
export function ttlOfJson(ttl: unknown, nowMs: number): number {
  if (typeof ttl === 'string') return parseTtl(ttl, nowMs);
  if (!Number.isSafeInteger(ttl)) throw ttlInvalid();
  return checkedTtl(Number(ttl) * unitMs.s, nowMs);
}
