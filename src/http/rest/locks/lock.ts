// Checks and decodes what requests about locks have: the name, the time to live, the fence. Knows no store.
import { StoreError } from '../../../base/errors.ts';
import type { Conditions } from '../../../store/operation.ts';
import { percentDecode } from '../../wire/percent-decode.ts';
import type { HttpRequest } from '../../wire/request-head.ts';
import { nameText, type Mount } from '../../wire/request-target.ts';
import { durationMsOf } from '../duration.ts';
import { conditionsOfRequest } from '../keys/conditions-of-request.ts';

export const lockMount: Mount = {
  prefix: '/v1/locks/',
  route: '/v1/locks/:name',
  target: '/v1/locks/-',
};

/** One day: a lock whose holder has died keeps all others out until its deadline. */
export const lockTtlMsMax = 86_400_000;

function nameInvalid(detail: string, limit?: number): StoreError {
  return new StoreError('KEY_INVALID', detail, { parameter: 'name', limit });
}

/** @returns the name of a request under `lockMount`, as a byte string */
export function lockNameOfRequest(request: HttpRequest, keyBytesMax: number): string {
  const name = percentDecode(nameText(request, lockMount));
  if (name === undefined) {
    throw nameInvalid('The name of a lock must be valid percent-encoding of valid UTF-8.');
  }
  if (name.length === 0) throw nameInvalid('The name of a lock must not be empty.');
  if (name.length <= keyBytesMax) return name;
  const detail = `The name of a lock may have at most ${keyBytesMax} bytes of UTF-8; this one has ${name.length}.`;
  throw nameInvalid(detail, keyBytesMax);
}

/** @returns milliseconds */
export function parseLockTtl(text: string | undefined): number {
  const ttlMs = text === undefined ? undefined : durationMsOf(text);
  if (ttlMs !== undefined && ttlMs >= 1 && ttlMs <= lockTtlMsMax) return ttlMs;
  const detail =
    'A lock needs a ttl: an integer of seconds, or one with a unit: ms, s, m, h or d. From 1 ms to 24 hours. ' +
    'Nothing was done.';
  throw new StoreError('BAD_REQUEST', detail, { parameter: 'ttl', limit: lockTtlMsMax });
}

/**
 * The fences that the request names in If-Match; undefined if it has no such header. A tag that is no fence
 * matches nothing.
 */
export function fencesOfRequest({ headers }: HttpRequest): readonly number[] | undefined {
  const { ifMatch, ifNoneMatch }: Conditions = conditionsOfRequest(headers);
  if (ifNoneMatch !== undefined) {
    const detail = 'A lock takes no If-None-Match: only a free lock is taken. Nothing was done.';
    throw new StoreError('BAD_REQUEST', detail, { parameter: 'If-None-Match' });
  }
  if (ifMatch !== '*') return ifMatch;
  const detail =
    'If-Match must name the fence of the lock, in quotes, and not *. Nothing was done.';
  throw new StoreError('BAD_REQUEST', detail, { parameter: 'If-Match' });
}
