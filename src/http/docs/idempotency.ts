// Describes the Idempotency-Key once, for all requests that take one.
import { keptAnswerBytesMax } from '../idempotency/idempotent-requests.ts';

export const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'Visible ASCII characters without " and , (in double quotes: with commas and spaces, too, and ' +
    String.raw`\" and \\), ` +
    'used for this request alone, and again whenever it is sent again: it is carried ' +
    'out once, and each repeat gets the first answer, with `Idempotent-Replayed: true`. It belongs ' +
    'to method and path. Several operations become one transaction by it. Of no effect where a ' +
    `request only reads. The answer may have ${keptAnswerBytesMax} bytes; else nothing is carried out.`,
  schema: { type: 'string', minLength: 1, maxLength: 255, examples: ['order-17'] },
} as const;

export const idempotencyProblems = [
  'IDEMPOTENCY_KEY_REUSED',
  'IDEMPOTENCY_KEY_IN_FLIGHT',
  'REPLY_TOO_LARGE',
] as const;
