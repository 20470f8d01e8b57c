// The JSON of the REST dialect as JSON Schema, for readers and their tools. The program itself
// judges requests by hand, item by item, to say exactly what is wrong.
import { errorSentences } from '../../base/errors.ts';
import { accessSchemas } from './access-schemas.ts';
import {
  arrayOf,
  boolean,
  count,
  exactly,
  integer,
  object,
  oneOfText,
  strictObject,
  string,
} from './schema-parts.ts';

const key = { type: 'string', minLength: 1, description: 'Well-formed Unicode.' };
const version = {
  type: 'integer',
  minimum: 1,
  description: 'Grows with every write of the key, also after a delete.',
};
const expiresAt = {
  ...integer,
  description: 'Unix milliseconds. Absent if the entry does not expire.',
};
const value = { ...string, description: 'The value, if it is UTF-8 text.' };
const valueBase64 = {
  ...string,
  contentEncoding: 'base64',
  description: 'The value as base64 with padding, if it is not UTF-8 text.',
};
const versionMatch = {
  anyOf: [version, { ...arrayOf(version), minItems: 1 }, exactly('*')],
};
const conditions = { ifMatch: versionMatch, ifNoneMatch: versionMatch };

export const ttlText = {
  type: 'string',
  pattern: '^[0-9]+(ms|s|m|h|d)?$',
  description: 'Time to live: a positive integer with a unit. Without a unit it is in seconds.',
  examples: ['90s', '15m', '3600'],
};

const error = {
  code: {
    ...oneOfText(...Object.keys(errorSentences)),
    description: Object.entries(errorSentences)
      .map(([code, sentence]) => `- \`${code}\`: ${sentence}`)
      .join('\n'),
  },
  detail: { ...string, description: 'The fault of this request, and the values that are allowed.' },
  retryable: { ...boolean, description: 'True if the same request may succeed later.' },
  outcome: {
    ...oneOfText('not-applied', 'applied', 'unknown'),
    description: 'The fate of the operation. `not-applied` and `applied` are certain.',
  },
};

const errorExtras = {
  limit: { ...integer, description: 'The limit that was exceeded.' },
  parameter: { ...string, description: 'The parameter, header or member at fault.' },
  retryAfterMs: { ...integer, description: 'Milliseconds to wait before the next attempt.' },
};

const Lock = object({
  name: { ...string, description: 'The name, decoded.' },
  fence: { ...integer, description: 'Grows with each lock that is taken in the namespace.' },
  expiresAt: { ...integer, description: 'The lock is held until then. Unix milliseconds.' },
});

const Problem = object(
  {
    type: { ...string, examples: ['urn:holdfast:error:KEY_NOT_FOUND'] },
    title: { ...string, description: 'The sentence of the code.' },
    status: integer,
    ...error,
  },
  {
    ...errorExtras,
    expiresAt: {
      ...integer,
      description: 'Of LOCK_HELD: until when it is held. Unix milliseconds.',
    },
  },
);

const ListItem = strictObject(
  { key, version, size: { ...count, description: 'Length of the value in bytes.' } },
  { expiresAt, value, valueBase64 },
);

const ListPage = strictObject(
  { items: arrayOf(ListItem) },
  { cursor: { ...string, description: 'Absent on the last page.' } },
);

const ttl = { anyOf: [ttlText, { type: 'integer', minimum: 1 }] };

const BatchOperation = {
  anyOf: [
    strictObject({ op: exactly('get'), key }, conditions),
    strictObject({ op: exactly('delete'), key }, conditions),
    {
      ...strictObject({ op: exactly('put'), key }, { value, valueBase64, ttl, ...conditions }),
      description: 'Has either value or valueBase64.',
    },
  ],
};

const BatchResult = object(
  {
    status: {
      ...integer,
      description: 'The status that a request for this operation alone would have had.',
    },
  },
  {
    version,
    value,
    valueBase64,
    expiresAt,
    durability: oneOfText('synced', 'written'),
    ...error,
    ...errorExtras,
  },
);

const get = strictObject({ op: exactly('get'), key });

const increment = {
  type: 'integer',
  minimum: -Number.MAX_SAFE_INTEGER,
  maximum: Number.MAX_SAFE_INTEGER,
  default: 1,
};

const TransactionOperation = {
  anyOf: [
    get,
    strictObject({ op: exactly('delete'), key }),
    {
      ...strictObject({ op: exactly('put'), key }, { value, valueBase64, ttl }),
      description: 'Has either value or valueBase64.',
    },
    {
      ...strictObject({ op: exactly('increment'), key }, { by: increment }),
      description:
        'Adds to a 64-bit integer in decimal, without leading zeros or a plus sign. A missing ' +
        'entry counts as 0. The deadline stays. The result has the sum as its value.',
    },
  ],
};

const Check = {
  ...strictObject({ key }, { version, exists: boolean, value, valueBase64 }),
  description:
    'Has exactly one of version, exists, value and valueBase64. A missing or expired entry has ' +
    'neither version nor value. Values are compared by their bytes.',
};

const Transaction = strictObject(
  {},
  {
    checks: arrayOf(Check),
    operations: arrayOf(TransactionOperation),
    otherwise: { ...arrayOf(get), description: 'The entries to read if a check does not hold.' },
  },
);

const TransactionReply = strictObject({
  committed: { type: 'boolean', const: true },
  results: { ...arrayOf(BatchResult), description: 'One result per operation, in order.' },
});

const TransactionRefusal = strictObject({
  committed: { type: 'boolean', const: false },
  failedChecks: {
    ...arrayOf(count),
    minItems: 1,
    description: 'The indexes of all checks that did not hold, from 0.',
  },
  results: {
    ...arrayOf(BatchResult),
    description: 'One result per item of `otherwise`, in order.',
  },
});

const ShardState = object(
  { shard: count, state: oneOfText('opening', 'serving', 'suspended', 'failed', 'closed') },
  { reason: { ...string, description: 'The reason why the shard does not serve.' } },
);

const Readiness = object({ ready: boolean }, { shards: arrayOf(ShardState), reason: string });

export const schemas = {
  Problem,
  Lock,
  ListPage,
  RangeDeleted: strictObject(
    { deleted: { ...count, description: 'Entries that this step has deleted.' } },
    { cursor: { ...string, description: 'Absent if no such key is left to look at.' } },
  ),
  Batch: strictObject({ operations: arrayOf(BatchOperation) }),
  BatchReply: strictObject({ results: arrayOf(BatchResult) }),
  Transaction,
  TransactionReply,
  TransactionRefusal,
  Readiness,
  ...accessSchemas,
};

export function schemaRef(name: keyof typeof schemas) {
  return { $ref: `#/components/schemas/${name}` };
}
