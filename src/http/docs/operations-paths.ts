// Describes the routes for operators.
import { namespaceNamePattern } from '../../base/namespace-name.ts';
import { accessProblems, headers, problems } from './replies.ts';
import { schemaRef } from './schemas.ts';

const readiness = { 'application/json': { schema: schemaRef('Readiness') } };

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
  return { get: { operationId, tags: ['Operations'], summary, responses } };
}

export const operationsPaths = {
  '/livez': page('live', 'Says that the process can answer', 'application/json', 'object', true),
  '/readyz': {
    get: {
      operationId: 'ready',
      tags: ['Operations'],
      summary: 'Says if every shard serves',
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
  '/v1/whoami': page('whoami', 'The caller, and its rights', 'application/json', 'object'),
  '/v1/backup': {
    get: {
      operationId: 'backup',
      tags: ['Operations'],
      summary: 'All entries at one moment, or those of one namespace, for holdfast restore',
      description:
        'A stream. A backup is whole if the reply ends properly and its last line is the footer. ' +
        '`holdfast backup` checks this and more.',
      parameters: [
        {
          name: 'namespace',
          in: 'query',
          description: 'Only the entries of this namespace. Without it: the whole store.',
          schema: { type: 'string', pattern: namespaceNamePattern.source },
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
          'NAMESPACE_INVALID',
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
