// Describes the routes of one lock.
import { idempotencyKey, idempotencyProblems } from './idempotency.ts';
import { namespaceHeader, namespaceProblems } from './namespaces.ts';
import { headers, problems, storeProblems } from './replies.ts';
import { schemaRef, ttlText } from './schemas.ts';

const nameParameter = {
  name: 'name',
  in: 'path',
  required: true,
  description: 'The whole path after /v1/locks/, percent-decoded once. It has the bounds of a key.',
  schema: { type: 'string', minLength: 1 },
} as const;

const fence = {
  name: 'If-Match',
  in: 'header',
  description:
    'The fence of the lock, as its ETag has it. Only the user that has taken the lock may use it.',
  schema: { type: 'string', examples: ['"1781222400000000"'] },
} as const;

const ttl = {
  name: 'ttl',
  in: 'query',
  required: true,
  description:
    'The lock is held for this long, from 1 ms to 24 hours, unless it is renewed or released.',
  schema: { type: 'string', pattern: ttlText.pattern, examples: ['30s'] },
} as const;

const wait = {
  name: 'wait',
  in: 'query',
  description:
    'The longest time to wait while the lock is held, from 0 to 5 minutes. First come, first served. Not ' +
    'with If-Match.',
  schema: { type: 'string', pattern: ttlText.pattern, examples: ['10s', '5m'] },
} as const;

const content = { 'application/json': { schema: schemaRef('Lock') } };
const ofChange = headers('ETag', 'Holdfast-Durability');

const writeProblems = [
  'BAD_REQUEST',
  'KEY_INVALID',
  'CONDITION_FAILED',
  ...idempotencyProblems,
  ...namespaceProblems,
  ...storeProblems,
  'DISK_FULL',
] as const;

export const lockPath = {
  parameters: [nameParameter, namespaceHeader],
  get: {
    operationId: 'getLock',
    tags: ['Locks'],
    summary: 'Look at a lock',
    responses: {
      '200': { description: 'The lock is held.', headers: headers('ETag'), content },
      ...problems(
        'BAD_REQUEST',
        'KEY_INVALID',
        'LOCK_NOT_FOUND',
        ...namespaceProblems,
        ...storeProblems,
      ),
    },
  },
  put: {
    operationId: 'takeLock',
    tags: ['Locks'],
    summary: 'Take a lock, or renew it',
    description:
      'Without If-Match, takes the lock if it is free. With the fence in If-Match, renews it: the time to ' +
      'live begins again. Taken and renewed locks are synced in every `fsync` mode, and outlive a restart.',
    parameters: [ttl, wait, fence, idempotencyKey],
    responses: {
      '200': { description: 'The lock was renewed.', headers: ofChange, content },
      '201': { description: 'The lock was taken.', headers: ofChange, content },
      ...problems(
        'LOCK_HELD',
        'WAITERS_FULL',
        'SHARD_FULL',
        'QUOTA_EXCEEDED',
        'NAMESPACES_FULL',
        ...writeProblems,
      ),
    },
  },
  delete: {
    operationId: 'releaseLock',
    tags: ['Locks'],
    summary: 'Release a lock',
    description:
      'Needs the fence in If-Match. A caller with `admin` on the namespace may release any lock without it.',
    parameters: [fence, idempotencyKey],
    responses: {
      '204': {
        description: 'The lock is free.',
        headers: headers('Holdfast-Durability'),
      },
      ...problems('PRECONDITION_REQUIRED', ...writeProblems),
    },
  },
};
