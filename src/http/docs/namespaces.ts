// Describes the ways in which a request names its namespace.
import type { ErrorCode } from '../../base/errors.ts';
import { namespaceHeader as headerName } from '../access/request-scopes.ts';
import { namespaceName } from './access-schemas.ts';

export const namespaceHeader = {
  name: headerName,
  in: 'header',
  description:
    'The namespace of the request. The same as `/ns/{namespace}` in front of the path. Two that ' +
    'differ are refused. Without either, it is the first namespace that a grant of the token names, ' +
    'else `default`.',
  schema: namespaceName,
} as const;

/** Errors of a request that names a namespace. Only callers that may see all get the second. */
export const namespaceProblems = [
  'NAMESPACE_INVALID',
  'NAMESPACE_NOT_FOUND',
] as const satisfies readonly ErrorCode[];

// Relative to /docs/json: a prefix before that applies here, too.
const wholeServer = { url: '..', description: 'The server of this document' };

export const servers = [
  wholeServer,
  {
    url: '../ns/{namespace}',
    description: 'One namespace of it',
    variables: {
      namespace: {
        default: 'default',
        description: 'The name as it is: the server decodes nothing in this part of the path.',
      },
    },
  },
];

/** For paths that take no `/ns/{namespace}` in front of them. */
export const withoutNamespace = { servers: [wholeServer] };
