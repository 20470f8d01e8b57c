// Describes the administration of users, tokens and namespaces.
import { tokensMax, tokensOfUserMax, usersMax } from '../../access/administration.ts';
import type { ErrorCode } from '../../base/errors.ts';
import { adminPageDefault, adminPageMax } from '../admin/admin-request.ts';
import { namespaceName, userName } from './access-schemas.ts';
import { withoutNamespace } from './namespaces.ts';
import { accessProblems, headers, problems, storeProblems } from './replies.ts';
import { schemaRef } from './schemas.ts';

type SchemaName = Parameters<typeof schemaRef>[0];

const text = { type: 'string' } as const;

const nameOfUser = { name: 'name', in: 'path', required: true, schema: userName } as const;
const nameOfNamespace = {
  name: 'name',
  in: 'path',
  required: true,
  schema: namespaceName,
} as const;
const idOfToken = { name: 'id', in: 'path', required: true, schema: text } as const;

const page = [
  {
    name: 'limit',
    in: 'query',
    description: 'The most items of the page.',
    schema: { type: 'integer', minimum: 1, maximum: adminPageMax, default: adminPageDefault },
  },
  { name: 'cursor', in: 'query', description: 'The cursor of the page before.', schema: text },
] as const;

const json = (name: SchemaName) => ({ 'application/json': { schema: schemaRef(name) } });

function shows(description: string, name: SchemaName) {
  return { description, headers: headers(), content: json(name) };
}

const empty = (description: string) => ({ description, headers: headers() });

const created = { '201': empty('It is new.'), '204': empty('It was there, and is as asked now.') };

/** Errors of a request that changes nothing and asks no shard. */
const readProblems = [
  ...accessProblems,
  'BAD_REQUEST',
  'OVERLOADED',
  'SHUTTING_DOWN',
  'INTERNAL',
] as const satisfies readonly ErrorCode[];

const changeProblems = ['BAD_REQUEST', ...storeProblems, 'DISK_FULL', 'SHARD_FULL'] as const;
const bodyProblems = [...changeProblems, 'REQUEST_TOO_LARGE', 'ENCODING_UNSUPPORTED'] as const;

interface Described {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly object[];
  readonly body?: SchemaName;
  /** A body that may be absent counts as an empty object. */
  readonly needsBody?: boolean;
  readonly replies: object;
  readonly codes: readonly ErrorCode[];
}

function operation({ body, needsBody = false, replies, codes, ...rest }: Described) {
  const requestBody = body && { required: needsBody, content: json(body) };
  return {
    tags: ['Administration'],
    ...rest,
    ...(requestBody === undefined ? {} : { requestBody }),
    responses: { ...replies, ...problems(...codes) },
  };
}

const forServerAdmins = 'For callers with the role `admin` on `*`.';

const users = {
  ...withoutNamespace,
  get: operation({
    operationId: 'listUsers',
    summary: 'All users, by name',
    description: forServerAdmins,
    parameters: page,
    replies: { '200': shows('One page.', 'UserPage') },
    codes: readProblems,
  }),
};

const user = {
  ...withoutNamespace,
  parameters: [nameOfUser],
  get: operation({
    operationId: 'getUser',
    summary: 'One user',
    description: forServerAdmins,
    replies: { '200': shows('The user.', 'User') },
    codes: [...readProblems, 'USER_NOT_FOUND'],
  }),
  put: operation({
    operationId: 'putUser',
    summary: 'Make a user, or disable or enable one',
    description:
      `${forServerAdmins} The tokens of a disabled user are not valid until the user is enabled ` +
      `again. There may be ${usersMax} users.`,
    body: 'UserRequest',
    replies: created,
    codes: [...bodyProblems, 'ADMIN_TOKEN_REQUIRED', 'ACCESS_FULL'],
  }),
  delete: operation({
    operationId: 'deleteUser',
    summary: 'Delete a user with all tokens',
    description: `${forServerAdmins} A user that is made by the same name later is another user.`,
    replies: { '204': empty('The user and its tokens are gone.') },
    codes: [...changeProblems, 'USER_NOT_FOUND', 'ADMIN_TOKEN_REQUIRED'],
  }),
};

const tokens = {
  ...withoutNamespace,
  parameters: [nameOfUser],
  get: operation({
    operationId: 'listTokens',
    summary: 'The tokens of a user, the oldest first',
    description: `${forServerAdmins} No reply shows the text of a token again.`,
    replies: { '200': shows('All tokens of the user.', 'TokenList') },
    codes: [...readProblems, 'USER_NOT_FOUND'],
  }),
  post: operation({
    operationId: 'createToken',
    summary: 'Make a token',
    description:
      `${forServerAdmins} From the first token on, each request needs one. The first one must have ` +
      '`admin` on `*`, unless the server has HOLDFAST_TOKEN. A user may have ' +
      `${tokensOfUserMax} tokens, and all users ${tokensMax}.`,
    body: 'TokenRequest',
    needsBody: true,
    replies: { '201': shows('The only reply that shows the token itself.', 'NewToken') },
    codes: [
      ...bodyProblems,
      'NAMESPACE_INVALID',
      'USER_NOT_FOUND',
      'ADMIN_TOKEN_REQUIRED',
      'ACCESS_FULL',
    ],
  }),
};

const token = {
  ...withoutNamespace,
  parameters: [nameOfUser, idOfToken],
  delete: operation({
    operationId: 'deleteToken',
    summary: 'Revoke a token at once',
    description: `${forServerAdmins} The last valid token with \`admin\` on \`*\` stays.`,
    replies: { '204': empty('The token is not valid any more.') },
    codes: [...changeProblems, 'USER_NOT_FOUND', 'TOKEN_NOT_FOUND', 'ADMIN_TOKEN_REQUIRED'],
  }),
};

const forNamespaceAdmins = 'For callers with the role `admin` on `*` or on the namespace.';

const namespaces = {
  ...withoutNamespace,
  get: operation({
    operationId: 'listNamespaces',
    summary: 'The namespaces that the caller administers, by name',
    description: forNamespaceAdmins,
    parameters: page,
    replies: { '200': shows('One page, with the figures of one moment.', 'NamespacePage') },
    codes: [...readProblems, 'SHARD_UNAVAILABLE'],
  }),
};

const namespace = {
  ...withoutNamespace,
  parameters: [nameOfNamespace],
  get: operation({
    operationId: 'getNamespace',
    summary: 'One namespace, with the number and the size of its entries',
    description: forNamespaceAdmins,
    replies: { '200': shows('The namespace.', 'Namespace') },
    codes: [...readProblems, 'SHARD_UNAVAILABLE', 'NAMESPACE_NOT_FOUND'],
  }),
  put: operation({
    operationId: 'putNamespace',
    summary: 'Make a namespace, or replace its settings',
    description: `${forNamespaceAdmins} Only \`admin\` on \`*\` makes one.`,
    body: 'NamespaceSettings',
    replies: created,
    codes: [...bodyProblems, 'NAMESPACE_INVALID', 'NAMESPACES_FULL'],
  }),
  delete: operation({
    operationId: 'dropNamespace',
    summary: 'Drop a namespace with all entries, at one moment',
    description:
      `${forNamespaceAdmins} The namespace leaves all grants, too. A token that has no other grant ` +
      'is revoked.',
    replies: { '204': empty('The namespace and its entries are gone.') },
    codes: [...changeProblems, 'NAMESPACE_NOT_FOUND', 'NAMESPACE_REQUIRED'],
  }),
};

export const adminPaths = {
  '/v1/admin/users': users,
  '/v1/admin/users/{name}': user,
  '/v1/admin/users/{name}/tokens': tokens,
  '/v1/admin/users/{name}/tokens/{id}': token,
  '/v1/admin/namespaces': namespaces,
  '/v1/admin/namespaces/{name}': namespace,
};
