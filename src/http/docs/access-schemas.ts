// The JSON of the administration of users, tokens and namespaces as JSON Schema. The program itself
// judges requests by hand, to say exactly what is wrong.
import {
  everyNamespace,
  grantsMax,
  prefixBytesMax,
  prefixesMax,
  roles,
} from '../../access/grant.ts';
import { audits, namespaceDefaults } from '../../access/namespace-settings.ts';
import { tokenNameMax } from '../../access/token-request.ts';
import { userNamePattern } from '../../access/user-name.ts';
import { namespaceNameMax, namespaceNamePattern } from '../../base/namespace-name.ts';
import {
  arrayOf,
  boolean,
  count,
  integer,
  object,
  oneOfText,
  strictObject,
} from './schema-parts.ts';

const text = { type: 'string' } as const;

export const namespaceName = {
  ...text,
  pattern: namespaceNamePattern.source,
  maxLength: namespaceNameMax,
  examples: ['shop'],
};

export const userName = { ...text, pattern: userNamePattern.source, examples: ['ann'] };

const createdAt = { ...integer, description: 'Unix milliseconds.' };
const expiresAt = {
  ...integer,
  description: 'Unix milliseconds. From then on the token is not valid. Absent: it never expires.',
};
const rate = (unit: string) => ({
  ...integer,
  minimum: 1,
  description: `${unit} a second, and at most so many at once. Past it: 429. Absent: no limit.`,
});

const Grant = strictObject(
  {
    namespace: {
      anyOf: [namespaceName, { ...text, const: everyNamespace }],
      description: `The name of a namespace, or \`${everyNamespace}\` for every one.`,
    },
    role: {
      ...oneOfText(...roles),
      description:
        '`read`: get, list, count. `write`: read, put and delete. `admin`: write, flush, and ' +
        'administer the namespace; with `*` and without prefixes, administer the server.',
    },
  },
  {
    prefixes: {
      ...arrayOf({ ...text, minLength: 1 }),
      minItems: 1,
      maxItems: prefixesMax,
      description:
        `Only keys that begin with one of these, each of at most ${prefixBytesMax} bytes. Absent: ` +
        'all keys. A grant with prefixes administers nothing.',
    },
  },
);

const grants = {
  ...arrayOf(Grant),
  minItems: 1,
  maxItems: grantsMax,
  description: 'The first grant that names one namespace names the home of the token.',
};

const tokenName = { ...text, minLength: 1, maxLength: tokenNameMax, examples: ['laptop'] };
const rates = {
  requestsPerSecond: rate('Requests'),
  writtenBytesPerSecond: rate('Written bytes'),
};

const kept = { id: { ...text, examples: ['hmuajeqknj33'] }, name: tokenName, grants, createdAt };
const lastUsedAt = {
  ...integer,
  description: 'Unix milliseconds. The last use was at most ten minutes later. Absent: never used.',
};

const Token = object(kept, { lastUsedAt, expiresAt, ...rates });

const NewToken = object(
  {
    ...kept,
    token: {
      ...text,
      description:
        'The token itself. No other reply shows it, and the store keeps its SHA-256 alone.',
    },
  },
  { expiresAt, ...rates },
);

const User = object({ name: userName, disabled: boolean, createdAt });

const quotas = {
  keysMax: { ...count, description: 'The most keys, kept answers among them. Absent: no limit.' },
  bytesMax: { ...count, description: 'The most bytes of keys and values. Absent: no limit.' },
};
const audit = {
  ...oneOfText(...audits),
  default: namespaceDefaults.audit,
  description: 'The server keeps this word and writes no audit yet.',
};

const Namespace = object(
  {
    name: namespaceName,
    keys: { ...count, description: 'The number of its entries.' },
    bytes: { ...count, description: 'The bytes of its keys and values, summed.' },
    audit,
    createdAt,
  },
  quotas,
);

const cursor = { cursor: { ...text, description: 'Absent on the last page.' } };

export const accessSchemas = {
  Grant,
  User,
  UserPage: object({ items: arrayOf(User) }, cursor),
  UserRequest: strictObject({}, { disabled: { ...boolean, default: false } }),
  Token,
  TokenList: object({ items: arrayOf(Token) }),
  TokenRequest: strictObject({ name: tokenName, grants }, { expiresAt, ...rates }),
  NewToken,
  Namespace,
  NamespacePage: object({ items: arrayOf(Namespace) }, cursor),
  NamespaceSettings: strictObject({}, { ...quotas, audit }),
  Caller: object(
    {
      user: {
        type: ['string', 'null'],
        description: 'Null on an open server. `~token` and `~read-token` are the server tokens.',
      },
      grants: arrayOf(Grant),
    },
    { token: { ...text, description: 'The name of the token.' } },
  ),
};
