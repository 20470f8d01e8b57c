// Reads a time to live. Knows no store.
import { StoreError } from '../../../base/errors.ts';
import { durationMsOf } from '../duration.ts';

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
  const ttlMs = durationMsOf(text);
  if (ttlMs === undefined) throw ttlInvalid();
  return checkedTtl(ttlMs, nowMs);
}

/** A time to live in JSON: a text as for `parseTtl`, or an integer of seconds. In milliseconds. */
export function ttlOfJson(ttl: unknown, nowMs: number): number {
  if (typeof ttl === 'string') return parseTtl(ttl, nowMs);
  if (!Number.isSafeInteger(ttl)) throw ttlInvalid();
  return checkedTtl(Number(ttl) * 1000, nowMs);
}
