// The JSON of the REST dialect as JSON Schema, for readers and their tools. The program itself
// judges requests by hand, item by item, to say exactly what is wrong.
import { Type } from 'typebox';
import { errorSentences } from '../../base/errors.ts';

const strict = { additionalProperties: false } as const;

const key = Type.String({ minLength: 1, description: 'Well-formed Unicode.' });
const version = Type.Integer({ minimum: 1, description: 'Only grows, over deletion too.' });
const expiresAt = Type.Integer({ description: 'Unix milliseconds; absent where it stays.' });
const value = Type.String({ description: 'The value, where it is UTF-8 text.' });
const valueBase64 = Type.String({
  contentEncoding: 'base64',
  description: 'The value as base64 with padding, where it is not UTF-8 text.',
});
const versionMatch = Type.Union([version, Type.Array(version, { minItems: 1 }), Type.Literal('*')]);
const conditions = {
  ifMatch: Type.Optional(versionMatch),
  ifNoneMatch: Type.Optional(versionMatch),
};

export const ttlText = Type.String({
  pattern: '^[0-9]+(ms|s|m|h|d)?$',
  description: 'Time to live: a positive integer with a unit, or of seconds.',
  examples: ['90s', '15m', '3600'],
});

const error = {
  code: Type.Enum(Object.keys(errorSentences), {
    description: Object.entries(errorSentences)
      .map(([code, sentence]) => `- \`${code}\`: ${sentence}`)
      .join('\n'),
  }),
  detail: Type.String({ description: 'What is wrong with this request, and what is allowed.' }),
  retryable: Type.Boolean({ description: 'Whether the same request may succeed later.' }),
  outcome: Type.Enum(['not-applied', 'applied', 'unknown'], {
    description: 'What became of the operation: a promise, not a guess.',
  }),
  limit: Type.Optional(Type.Integer({ description: 'The limit that was exceeded.' })),
  parameter: Type.Optional(
    Type.String({ description: 'The parameter, header or member at fault.' }),
  ),
  retryAfterMs: Type.Optional(Type.Integer({ description: 'When to try again.' })),
};

const Problem = Type.Object({
  type: Type.String({ examples: ['urn:holdfast:error:KEY_NOT_FOUND'] }),
  title: Type.String({ description: 'The sentence of the code.' }),
  status: Type.Integer(),
  ...error,
});

const ListItem = Type.Object(
  {
    key,
    version,
    size: Type.Integer({ minimum: 0, description: 'Length of the value in bytes.' }),
    expiresAt: Type.Optional(expiresAt),
    value: Type.Optional(value),
    valueBase64: Type.Optional(valueBase64),
  },
  strict,
);

const ListPage = Type.Object(
  {
    items: Type.Array(ListItem),
    cursor: Type.Optional(Type.String({ description: 'Absent on the last page.' })),
  },
  strict,
);

const ttl = Type.Union([ttlText, Type.Integer({ minimum: 1 })]);

const BatchOperation = Type.Union([
  Type.Object({ op: Type.Literal('get'), key, ...conditions }, strict),
  Type.Object({ op: Type.Literal('delete'), key, ...conditions }, strict),
  Type.Object(
    {
      op: Type.Literal('put'),
      key,
      value: Type.Optional(value),
      valueBase64: Type.Optional(valueBase64),
      ttl: Type.Optional(ttl),
      ...conditions,
    },
    { ...strict, description: 'Has either value or valueBase64.' },
  ),
]);

const BatchResult = Type.Object({
  status: Type.Integer({ description: 'What the single request would have had.' }),
  version: Type.Optional(version),
  value: Type.Optional(value),
  valueBase64: Type.Optional(valueBase64),
  expiresAt: Type.Optional(expiresAt),
  durability: Type.Optional(Type.Enum(['synced', 'written'])),
  ...Type.Partial(Type.Object(error)).properties,
});

const get = Type.Object({ op: Type.Literal('get'), key }, strict);

const TransactionOperation = Type.Union([
  get,
  Type.Object({ op: Type.Literal('delete'), key }, strict),
  Type.Object(
    {
      op: Type.Literal('put'),
      key,
      value: Type.Optional(value),
      valueBase64: Type.Optional(valueBase64),
      ttl: Type.Optional(ttl),
    },
    { ...strict, description: 'Has either value or valueBase64.' },
  ),
  Type.Object(
    {
      op: Type.Literal('increment'),
      key,
      by: Type.Optional(
        Type.Integer({
          minimum: -Number.MAX_SAFE_INTEGER,
          maximum: Number.MAX_SAFE_INTEGER,
          default: 1,
        }),
      ),
    },
    {
      ...strict,
      description:
        'Adds to a value that is a 64-bit integer as decimal text, in its one spelling; no entry ' +
        'counts as 0. The deadline stays. The result has the sum as its value.',
    },
  ),
]);

const Check = Type.Object(
  {
    key,
    version: Type.Optional(version),
    exists: Type.Optional(Type.Boolean()),
    value: Type.Optional(value),
    valueBase64: Type.Optional(valueBase64),
  },
  {
    ...strict,
    description:
      'Has exactly one of version, exists, value and valueBase64. No entry has no version and no ' +
      'value; one that has expired is none. Values are compared by their bytes.',
  },
);

const Transaction = Type.Object(
  {
    checks: Type.Optional(Type.Array(Check)),
    operations: Type.Optional(Type.Array(TransactionOperation)),
    otherwise: Type.Optional(
      Type.Array(get, { description: 'What to read where a check does not hold.' }),
    ),
  },
  strict,
);

const TransactionReply = Type.Object(
  {
    committed: Type.Literal(true),
    results: Type.Array(BatchResult, { description: 'One an operation, in order.' }),
  },
  strict,
);

const TransactionRefusal = Type.Object(
  {
    committed: Type.Literal(false),
    failedChecks: Type.Array(Type.Integer({ minimum: 0 }), {
      minItems: 1,
      description: 'The places of all checks that did not hold.',
    }),
    results: Type.Array(BatchResult, { description: 'One an item of otherwise, in order.' }),
  },
  strict,
);

const Readiness = Type.Object({
  ready: Type.Boolean(),
  reason: Type.Optional(Type.String()),
  shards: Type.Array(
    Type.Object({
      shard: Type.Integer({ minimum: 0 }),
      state: Type.Enum(['opening', 'serving', 'suspended', 'failed', 'closed']),
      reason: Type.Optional(Type.String({ description: 'Why it does not serve.' })),
    }),
  ),
});

export const schemas = {
  Problem,
  ListPage,
  Batch: Type.Object({ operations: Type.Array(BatchOperation) }, strict),
  BatchReply: Type.Object({ results: Type.Array(BatchResult) }, strict),
  Transaction,
  TransactionReply,
  TransactionRefusal,
  Readiness,
};

export function schemaRef(name: keyof typeof schemas) {
  return { $ref: `#/components/schemas/${name}` };
}
