// Describes the routes of many keys.
import { listLimitDefault, listLimitMax } from '../rest/listing/list-query.ts';
import { idempotencyKey, idempotencyProblems } from './idempotency.ts';
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
  get: {
    operationId: 'listKeys',
    tags: ['Many keys'],
    summary: 'List keys, ordered by their UTF-8 bytes',
    parameters: [
      parameter('prefix', 'Only keys that begin with it.', text),
      parameter('start', 'Inclusive lower end.', text),
      parameter('end', 'Exclusive upper end.', text),
      parameter('limit', 'Items a page; a page may have fewer and still a cursor.', {
        type: 'integer',
        minimum: 1,
        maximum: listLimitMax,
        default: listLimitDefault,
      }),
      parameter('reverse', 'True: the same interval from its other side.', {
        type: 'boolean',
        default: false,
      }),
      parameter('include', 'Whether the values come along.', { type: 'string', const: 'values' }),
      parameter('cursor', 'That of the page before; the others are repeated with it.', text),
    ],
    responses: {
      '200': { description: 'One page.', headers: headers(), content: json('ListPage') },
      ...problems('BAD_REQUEST', ...storeProblems),
    },
  },
};

export const batchPath = {
  post: {
    operationId: 'batch',
    tags: ['Many keys'],
    summary: 'Many operations, each on its own',
    description:
      'Not atomic, but what it reads, it reads at one moment. Operations on one key take effect in ' +
      'order. A malformed item is a 400 of that item alone. Of members of the same name the last ' +
      'counts. A reply of more than the server may hold for slow readers is refused with ' +
      '`OVERLOADED`.',
    parameters: [idempotencyKey],
    requestBody: { required: true, content: json('Batch') },
    responses: {
      '200': {
        description: 'One result an operation, in order.',
        headers: headers(),
        content: json('BatchReply'),
      },
      ...problems(
        'BAD_REQUEST',
        'REQUEST_TOO_LARGE',
        'ENCODING_UNSUPPORTED',
        ...idempotencyProblems,
        ...storeProblems,
      ),
    },
  },
};

export const transactionsPath = {
  post: {
    operationId: 'transaction',
    tags: ['Many keys'],
    summary: 'Checks and operations on any keys: all at one moment, all or none',
    description:
      'If all `checks` hold, all `operations` are carried out. If one does not hold, none is, and ' +
      '`otherwise` is read. All keys are read and written at one moment: another request that reads ' +
      'them at one moment sees all of the writes or none, after a crash, too. Checks see what stood ' +
      'before; operations take effect in order, each seeing those before it, and all that is ' +
      'written has one version a key. At least one check or operation; at most as many of all three ' +
      'together, and bytes, as a batch may have. An item that is malformed makes it a 400 of the ' +
      'whole that names it (`operations[2].ttl`). The values that stand under its keys count as those of a reply: ' +
      '64 MiB in sum. Of members of the same name the last counts.',
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
          'A check did not hold; nothing was changed. This is no problem document, unless the ' +
          'Idempotency-Key belongs to a request that is still being carried out.',
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
        'DISK_FULL',
        'SHARD_FULL',
        ...storeProblems,
      ),
    },
  },
};
