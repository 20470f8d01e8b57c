// Describes the Idempotency-Key once, for all requests that take one.
import { keptAnswerBytesMax } from '../idempotency/idempotent-requests.ts';

export const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'A name for this request, the same in each attempt. Visible ASCII characters without " and ,; ' +
    String.raw`in double quotes, commas, spaces, \" and \\ are allowed, too. ` +
    'The request is carried out once. Each repeat gets the first answer, with ' +
    '`Idempotent-Replayed: true`. The name counts for one user, namespace, method and path. Several operations ' +
    'become one transaction by it. It has no effect if a request only reads. The answer may have ' +
    `${keptAnswerBytesMax} bytes. A request with a larger one is refused, and nothing is carried out.`,
  schema: { type: 'string', minLength: 1, maxLength: 255, examples: ['order-17'] },
} as const;

export const idempotencyProblems = [
  'IDEMPOTENCY_KEY_REUSED',
  'IDEMPOTENCY_KEY_IN_FLIGHT',
  'REPLY_TOO_LARGE',
] as const;
