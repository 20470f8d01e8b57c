// Describes the routes for operators.
import { namespaceName } from './access-schemas.ts';
import { namespaceProblems, withoutNamespace } from './namespaces.ts';
import { accessProblems, headers, problems } from './replies.ts';
import { schemaRef } from './schemas.ts';

const readiness = { 'application/json': { schema: schemaRef('Readiness') } };

/** These need no token on any server. */
const openToAll = { security: [] };

function page(
  operationId: string,
  summary: string,
  mediaType: string,
  type: 'object' | 'string',
  isOpenToAll = false,
) {
  const content = { [mediaType]: { schema: { type } } };
  const refusals = isOpenToAll ? {} : problems(...accessProblems);
  const responses = { '200': { description: summary, headers: headers(), content }, ...refusals };
  const operation = { operationId, tags: ['Operations'], summary, responses };
  return { ...withoutNamespace, get: isOpenToAll ? { ...operation, ...openToAll } : operation };
}

export const operationsPaths = {
  '/livez': page('live', 'Says that the process can answer', 'application/json', 'object', true),
  '/readyz': {
    ...withoutNamespace,
    get: {
      ...openToAll,
      operationId: 'ready',
      tags: ['Operations'],
      summary: 'Says if every shard serves',
      description:
        'Without a valid token, the reply of a server that requires one has `ready` alone.',
      responses: {
        '200': { description: 'Every shard serves.', headers: headers(), content: readiness },
        '503': {
          description: 'Not every shard serves, or the server is stopping.',
          headers: headers('Retry-After'),
          content: readiness,
        },
      },
    },
  },
  '/v1/whoami': {
    get: {
      operationId: 'whoami',
      tags: ['Operations'],
      summary: 'The caller, and its grants',
      responses: {
        '200': {
          description: 'The user, the name of the token, and its grants.',
          headers: headers(),
          content: { 'application/json': { schema: schemaRef('Caller') } },
        },
        ...problems(...accessProblems, 'BAD_REQUEST'),
      },
    },
  },
  '/v1/backup': {
    get: {
      operationId: 'backup',
      tags: ['Operations'],
      summary: 'All entries at one moment, or those of one namespace, for holdfast restore',
      description:
        'For callers with the role `admin` on `*`, or on the one namespace that they ask for. A backup ' +
        'of the whole store has users, tokens and namespaces, too. A stream. A backup is whole if the reply ends properly and its last line is the footer. ' +
        '`holdfast backup` checks this and more.',
      parameters: [
        {
          name: 'namespace',
          in: 'query',
          description: 'Only the entries of this namespace. Without it: the whole store.',
          schema: namespaceName,
        },
      ],
      responses: {
        '200': {
          description: 'Lines of JSON, as src/storage/FORMAT.md describes.',
          headers: headers(),
          content: { 'application/x-ndjson': { schema: { type: 'string' } } },
        },
        ...problems(
          ...accessProblems,
          'BAD_REQUEST',
          ...namespaceProblems,
          'OVERLOADED',
          'SHARD_UNAVAILABLE',
          'SHUTTING_DOWN',
        ),
      },
    },
  },
  '/metrics': page(
    'metrics',
    'All metrics, in the text format of Prometheus',
    'text/plain',
    'string',
  ),
  '/docs': page('docs', 'This document as a page', 'text/html', 'string'),
  '/docs/json': page('openapi', 'This document', 'application/json', 'object'),
};
