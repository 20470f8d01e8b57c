// What makes a request the same as another one: method, path, and all that its answer depends on.
import type { FastifyRequest } from 'fastify';
import { pathOfTarget, queryText } from '../request-target.ts';
import { idempotencyKeyOf } from './idempotency-key.ts';
import type { RequestIdentity } from './idempotent-requests.ts';

/** Headers that change what a request does, or how it is answered, in any dialect. */
const tellingHeaders = [
  'if-match',
  'if-none-match',
  'x-ttl',
  'upstash-encoding',
  'upstash-response-format',
] as const;

/**
 * @returns undefined where the request has no Idempotency-Key
 * @throws StoreError BAD_REQUEST where it has a wrong one
 */
export function identityOf(request: FastifyRequest, body: Uint8Array): RequestIdentity | undefined {
  const { headers, method } = request;
  const key = idempotencyKeyOf(headers['idempotency-key']);
  if (key === undefined) return undefined;
  const path = pathOfTarget(request.originalUrl);
  const telling = tellingHeaders.map((name) => JSON.stringify(headers[name] ?? null));
  return { key, method, path, rest: [queryText(request), ...telling, body] };
}
