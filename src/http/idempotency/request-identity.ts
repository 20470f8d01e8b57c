// Tells which requests are the same: by method, path, and all that the answer depends on.
import type { RequestScope } from '../access/request-scopes.ts';
import type { HttpRequest } from '../wire/request-head.ts';
import { pathOfTarget, queryText } from '../wire/request-target.ts';
import { idempotencyKeyOf } from './idempotency-key.ts';
import type { RequestIdentity } from './idempotent-requests.ts';

/**
 * @returns undefined if the request has no Idempotency-Key
 * @throws StoreError BAD_REQUEST if the Idempotency-Key is malformed
 */
export type IdentityOf = (
  request: HttpRequest,
  body: Uint8Array,
  scope: RequestScope,
) => RequestIdentity | undefined;

/** @param identityHeaders headers that change the effect of a request or its answer, in lower case */
export function identitiesBy(identityHeaders: readonly string[]): IdentityOf {
  return (request, body, { caller, namespace }) => {
    const { headers, method } = request;
    const key = idempotencyKeyOf(headers['idempotency-key']);
    if (key === undefined) return undefined;
    const path = pathOfTarget(request.originalUrl);
    const headerTexts = identityHeaders.map((name) => JSON.stringify(headers[name] ?? null));
    const { userId } = caller;
    return {
      key,
      userId,
      namespace,
      method,
      path,
      rest: [queryText(request), ...headerTexts, body],
    };
  };
}
