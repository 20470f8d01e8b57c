// Describes the routes of one key.
import { idempotencyKey, idempotencyProblems } from './idempotency.ts';
import { namespaceHeader, namespaceProblems } from './namespaces.ts';
import { headers, problems, storeProblems } from './replies.ts';
import { ttlText } from './schemas.ts';

const bytes = { type: 'string', format: 'binary' } as const;

const valueContent = {
  'application/octet-stream': { schema: bytes },
  'text/plain; charset=utf-8': { schema: bytes },
  'application/json': { schema: bytes },
};

const keyParameter = {
  name: 'key',
  in: 'path',
  required: true,
  description:
    'The whole path after /v1/keys/, percent-decoded once and never normalized: `.`, `..` and ' +
    '`a//b` are ordinary keys. Clients that normalize paths reach them by /v1/batch.',
  schema: { type: 'string', minLength: 1 },
} as const;

const ifMatch = {
  name: 'If-Match',
  in: 'header',
  description: '`*`, or a list of entity tags; compared strongly.',
  schema: { type: 'string', examples: ['"7"'] },
} as const;

const ifNoneMatch = {
  name: 'If-None-Match',
  in: 'header',
  description: '`*`, or a list of entity tags; compared weakly.',
  schema: { type: 'string', examples: ['*'] },
} as const;

const accept = {
  name: 'Accept',
  in: 'header',
  description: 'Selects the Content-Type of the reply. The bytes stay the same.',
  schema: { type: 'string', examples: ['text/plain'] },
} as const;

const ttl = {
  name: 'ttl',
  in: 'query',
  description:
    'Time to live. Without it the entry does not expire, even if it had a deadline before.',
  schema: ttlText,
} as const;

const wait = {
  name: 'wait',
  in: 'query',
  description:
    'The longest time to wait until the entry is another than the client holds: until its version is none ' +
    'that If-None-Match names, or, without that header, until there is an entry. From 0 to 5 minutes.',
  schema: { type: 'string', pattern: ttlText.pattern, examples: ['30s', '5m'] },
} as const;

const writeProblems = [
  ...storeProblems,
  ...namespaceProblems,
  'DISK_FULL',
  'SHARD_FULL',
  'QUOTA_EXCEEDED',
] as const;

const readReplies = {
  '304': {
    description:
      'The entry has a version that If-None-Match names; with `wait`, it still has when the time is over.',
    headers: headers('ETag', 'Vary', 'Holdfast-Expires-At'),
  },
  ...problems(
    'BAD_REQUEST',
    'KEY_INVALID',
    'KEY_NOT_FOUND',
    'CONDITION_FAILED',
    'WAITERS_FULL',
    ...namespaceProblems,
    ...storeProblems,
  ),
};

const entryHeaders = headers('ETag', 'Vary', 'Holdfast-Expires-At');

export const keyPath = {
  parameters: [keyParameter, namespaceHeader],
  get: {
    operationId: 'getValue',
    tags: ['Keys'],
    summary: 'Read a value',
    parameters: [wait, ifMatch, ifNoneMatch, accept],
    responses: {
      '200': { description: 'The bytes as stored.', headers: entryHeaders, content: valueContent },
      ...readReplies,
    },
  },
  head: {
    operationId: 'headValue',
    tags: ['Keys'],
    summary: 'Read the headers of a value, without the value',
    parameters: [wait, ifMatch, ifNoneMatch, accept],
    responses: {
      '200': { description: 'Content-Length is the size of the value.', headers: entryHeaders },
      ...readReplies,
    },
  },
  put: {
    operationId: 'putValue',
    tags: ['Keys'],
    summary: 'Write a value',
    parameters: [ttl, ifMatch, ifNoneMatch, idempotencyKey],
    requestBody: {
      required: true,
      description: 'The value. Its bytes are stored unchanged; the Content-Type is not kept.',
      content: { '*/*': { schema: bytes } },
    },
    responses: {
      '201': {
        description: 'There was no entry before.',
        headers: headers('ETag', 'Holdfast-Durability'),
      },
      '204': {
        description: 'The entry was replaced.',
        headers: headers('ETag', 'Holdfast-Durability'),
      },
      ...problems(
        'BAD_REQUEST',
        'KEY_INVALID',
        'CONDITION_FAILED',
        'VALUE_TOO_LARGE',
        'ENCODING_UNSUPPORTED',
        'NAMESPACES_FULL',
        ...idempotencyProblems,
        ...writeProblems,
      ),
    },
  },
  delete: {
    operationId: 'deleteValue',
    tags: ['Keys'],
    summary: 'Delete an entry',
    parameters: [ifMatch, ifNoneMatch, idempotencyKey],
    responses: {
      '204': { description: 'The entry was deleted.', headers: headers('Holdfast-Durability') },
      ...problems(
        'BAD_REQUEST',
        'KEY_INVALID',
        'KEY_NOT_FOUND',
        'CONDITION_FAILED',
        ...idempotencyProblems,
        ...writeProblems,
      ),
    },
  },
};
