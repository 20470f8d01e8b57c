// Describes the routes of many keys.
import { listLimitDefault, listLimitMax } from '../rest/listing/list-query.ts';
import { idempotencyKey, idempotencyProblems } from './idempotency.ts';
import { namespaceHeader, namespaceProblems } from './namespaces.ts';
import { headers, problems, storeProblems } from './replies.ts';
import { schemaRef } from './schemas.ts';

function parameter(name: string, description: string, schema: Readonly<Record<string, unknown>>) {
  return { name, in: 'query', description, schema };
}

const text = { type: 'string' } as const;

function json(name: Parameters<typeof schemaRef>[0]) {
  return { 'application/json': { schema: schemaRef(name) } };
}

export const listPath = {
  parameters: [namespaceHeader],
  get: {
    operationId: 'listKeys',
    tags: ['Many keys'],
    summary: 'List keys, ordered by their UTF-8 bytes',
    parameters: [
      parameter('prefix', 'Only keys that begin with this text.', text),
      parameter('start', 'Inclusive lower end.', text),
      parameter('end', 'Exclusive upper end.', text),
      parameter(
        'limit',
        'The most items on a page. A page may have fewer, and a cursor all the same.',
        {
          type: 'integer',
          minimum: 1,
          maximum: listLimitMax,
          default: listLimitDefault,
        },
      ),
      parameter('reverse', 'True: the same keys in descending order.', {
        type: 'boolean',
        default: false,
      }),
      parameter('include', '`values`: each item has its value.', {
        type: 'string',
        const: 'values',
      }),
      parameter(
        'cursor',
        'The cursor of the page before. Repeat all other parameters with it.',
        text,
      ),
    ],
    responses: {
      '200': { description: 'One page.', headers: headers(), content: json('ListPage') },
      ...problems('BAD_REQUEST', ...namespaceProblems, ...storeProblems),
    },
  },
  delete: {
    operationId: 'deleteRange',
    tags: ['Many keys'],
    summary: 'Delete the keys with a prefix, in steps',
    description:
      'Each request is one step: it deletes one page of keys, all at one moment, in one transaction. ' +
      'Repeat it with the `cursor` of its reply until there is none. A key that is put between two steps ' +
      'may stay. A token that is bound to prefixes deletes keys below these alone. Each step with an ' +
      'Idempotency-Key has one of its own.',
    parameters: [
      { ...parameter('prefix', 'Only keys that begin with this text.', text), required: true },
      parameter('limit', 'The most keys of a step. Large values make a step shorter.', {
        type: 'integer',
        minimum: 1,
        maximum: listLimitMax,
        default: listLimitMax,
      }),
      parameter('cursor', 'The cursor of the step before. Repeat the other parameters.', text),
      idempotencyKey,
    ],
    responses: {
      '200': {
        description: 'The step is done. The reply has the durability if anything was deleted.',
        headers: headers('Holdfast-Durability'),
        content: json('RangeDeleted'),
      },
      ...problems(
        'BAD_REQUEST',
        'DISK_FULL',
        ...idempotencyProblems,
        ...namespaceProblems,
        ...storeProblems,
      ),
    },
  },
};

export const batchPath = {
  parameters: [namespaceHeader],
  post: {
    operationId: 'batch',
    tags: ['Many keys'],
    summary: 'Many operations, each on its own',
    description:
      'Not atomic. If all operations are reads, they read one moment. Operations on one key take ' +
      'effect in order. A malformed item gets a 400 as its result, and the others are carried ' +
      'out. If members have the same name, the last counts. If the server has no memory left for ' +
      'the values of the reply, it refuses them with `OVERLOADED`.',
    parameters: [idempotencyKey],
    requestBody: { required: true, content: json('Batch') },
    responses: {
      '200': {
        description: 'One result per operation, in order.',
        headers: headers(),
        content: json('BatchReply'),
      },
      ...problems(
        'BAD_REQUEST',
        'REQUEST_TOO_LARGE',
        'ENCODING_UNSUPPORTED',
        'NAMESPACES_FULL',
        'DISK_FULL',
        'SHARD_FULL',
        'QUOTA_EXCEEDED',
        ...idempotencyProblems,
        ...namespaceProblems,
        ...storeProblems,
      ),
    },
  },
};

export const transactionsPath = {
  parameters: [namespaceHeader],
  post: {
    operationId: 'transaction',
    tags: ['Many keys'],
    summary: 'Checks and operations on any keys: all at one moment, all or none',
    description:
      'If all `checks` hold, all `operations` are carried out. If one does not hold, none is, and ' +
      '`otherwise` is read. All keys are read and written at one moment: another request that ' +
      'reads them at one moment sees all of the writes or none, also after a crash. Checks see the ' +
      'entries from before. Operations take effect in order, and each sees the ones before it. ' +
      'All writes of one key get one version. A transaction has at least one check or operation. ' +
      'The limits of a batch hold for all three lists together, and for the body. A malformed ' +
      'item makes the whole request a 400 that names the item (`operations[2].ttl`). The values ' +
      'under all its keys may have 64 MiB in sum, less with less than 8 GiB of memory. If members ' +
      'have the same name, the last counts.',
    parameters: [idempotencyKey],
    requestBody: { required: true, content: json('Transaction') },
    responses: {
      '200': {
        description: 'All checks held, and all operations were carried out.',
        headers: headers('Holdfast-Durability'),
        content: json('TransactionReply'),
      },
      '409': {
        description:
          'A check did not hold, and nothing was changed. If the Idempotency-Key belongs to a ' +
          'request that is still being carried out, the body is a problem document.',
        headers: headers(),
        content: json('TransactionRefusal'),
      },
      ...problems(
        'BAD_REQUEST',
        'KEY_INVALID',
        'VALUE_TOO_LARGE',
        'VALUE_NOT_AN_INTEGER',
        'IDEMPOTENCY_KEY_REUSED',
        'REQUEST_TOO_LARGE',
        'REPLY_TOO_LARGE',
        'ENCODING_UNSUPPORTED',
        'NAMESPACES_FULL',
        'DISK_FULL',
        'SHARD_FULL',
        'QUOTA_EXCEEDED',
        ...namespaceProblems,
        ...storeProblems,
      ),
    },
  },
};
