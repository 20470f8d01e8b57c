// Describes replies in the OpenAPI document: headers by name, problems by code.
import { errorSentences, type ErrorCode } from '../../base/errors.ts';
import { problemMediaType } from '../wire/problem.ts';
import { statusOfError } from '../wire/status-of-error.ts';

const text = { type: 'string' } as const;

/** Errors of callers that the server does not know, or that may not do it, or not so often. */
export const accessProblems = [
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'FORBIDDEN_ORIGIN',
  'RATE_LIMITED',
] as const;

/** Errors that any request to the store may get. */
export const storeProblems = [
  ...accessProblems,
  'OVERLOADED',
  'SHARD_UNAVAILABLE',
  'SHUTTING_DOWN',
  'AUDIT_FULL',
  'INTERNAL',
] as const;

export const replyHeaders = {
  ETag: {
    description: 'The version of the entry, or the fence of the lock, in quotes.',
    schema: { ...text, examples: ['"7"'] },
  },
  Vary: {
    description: 'The label depends on Accept.',
    schema: { type: 'string', const: 'Accept' },
  },
  'Cache-Control': {
    description: 'On every reply: no cache may store it.',
    schema: { type: 'string', const: 'no-store' },
  },
  'X-Content-Type-Options': {
    description: 'On every reply.',
    schema: { type: 'string', const: 'nosniff' },
  },
  'Holdfast-Request-Id': {
    description:
      'On every reply: the id of the request. It is the one that the client has sent, if that has 1 to 128 ' +
      'of the characters `A-Z a-z 0-9 . _ : / + = -`.',
    schema: text,
  },
  'Holdfast-Expires-At': {
    description:
      'The deadline of the entry, Unix milliseconds. Absent if the entry does not expire.',
    schema: { type: 'integer' },
  },
  'Holdfast-Durability': {
    description:
      '`synced`: the write is on stable storage. `written`: the operating system has it.',
    schema: { type: 'string', enum: ['synced', 'written'] },
  },
  'WWW-Authenticate': {
    description: 'The scheme of the token.',
    schema: { type: 'string', const: 'Bearer' },
  },
  Allow: { description: 'The methods that this path takes.', schema: text },
  'Upstash-Sync-Token': { description: 'Opaque. It changes with each write.', schema: text },
  'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer', minimum: 1 } },
  'RateLimit-Limit': {
    description:
      'On every reply to a token with a rate: requests or written bytes a second. Of two rates, that of ' +
      'which the smaller share is left.',
    schema: { type: 'integer', minimum: 1 },
  },
  'RateLimit-Remaining': {
    description: 'The requests or bytes of this rate that would be let in at once.',
    schema: { type: 'integer', minimum: 0 },
  },
  'RateLimit-Reset': {
    description: 'Seconds until nothing of this rate is used, rounded up.',
    schema: { type: 'integer', minimum: 0 },
  },
} as const;

type HeaderName = keyof typeof replyHeaders;

const ofEachReply: readonly HeaderName[] = [
  'Cache-Control',
  'X-Content-Type-Options',
  'Holdfast-Request-Id',
  'RateLimit-Limit',
  'RateLimit-Remaining',
  'RateLimit-Reset',
];

export function headers(...names: readonly HeaderName[]) {
  const every = [...names, ...ofEachReply];
  return Object.fromEntries(
    every.map((name) => [name, { $ref: `#/components/headers/${name}` }] as const),
  );
}

function problemReply(status: number, codes: readonly ErrorCode[]) {
  const lines = codes.map((code) => `\`${code}\`: ${errorSentences[code]}`);
  const names: HeaderName[] = [];
  if (status === 401) names.push('WWW-Authenticate');
  if (status === 503 || status === 429 || codes.includes('LOCK_HELD')) names.push('Retry-After');
  if (status === 412) names.push('ETag');
  return {
    description: lines.join('\n\n'),
    headers: headers(...names),
    content: { [problemMediaType]: { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}

/** The error replies of a route: one per status, from the codes that the route can answer. */
export function problems(...codes: readonly ErrorCode[]) {
  const statuses = new Set(codes.map((code) => statusOfError[code]));
  return Object.fromEntries(
    Array.from(statuses, (status) => {
      const group = codes.filter((code) => statusOfError[code] === status);
      return [String(status), problemReply(status, group)] as const;
    }),
  );
}
