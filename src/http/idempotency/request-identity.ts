// Tells which requests are the same: by method, path, and all that the answer depends on.
import type { FastifyRequest } from 'fastify';
import { pathOfTarget, queryText } from '../wire/request-target.ts';
import { idempotencyKeyOf } from './idempotency-key.ts';
import type { RequestIdentity } from './idempotent-requests.ts';

/** Headers that change the effect of a request, or its answer, in any dialect. */
const tellingHeaders = [
  'if-match',
  'if-none-match',
  'x-ttl',
  'upstash-encoding',
  'upstash-response-format',
] as const;

/**
 * @returns undefined if the request has no Idempotency-Key
 * @throws StoreError BAD_REQUEST if the Idempotency-Key is malformed
 */
export function identityOf(request: FastifyRequest, body: Uint8Array): RequestIdentity | undefined {
  const { headers, method } = request;
  const key = idempotencyKeyOf(headers['idempotency-key']);
  if (key === undefined) return undefined;
  const path = pathOfTarget(request.originalUrl);
  const telling = tellingHeaders.map((name) => JSON.stringify(headers[name] ?? null));
  return { key, method, path, rest: [queryText(request), ...telling, body] };
}
