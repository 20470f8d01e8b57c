// Describes the routes for operators.
import { headers, problems } from './replies.ts';
import { schemaRef } from './schemas.ts';

const readiness = { 'application/json': { schema: schemaRef('Readiness') } };

function page(operationId: string, summary: string, mediaType: string, type: 'object' | 'string') {
  const content = { [mediaType]: { schema: { type } } };
  const responses = { '200': { description: summary, headers: headers(), content } };
  return { get: { operationId, tags: ['Operations'], summary, responses } };
}

export const operationsPaths = {
  '/livez': page('live', 'Whether the process can answer', 'application/json', 'object'),
  '/readyz': {
    get: {
      operationId: 'ready',
      tags: ['Operations'],
      summary: 'Whether every shard serves',
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
  '/v1/backup': {
    get: {
      operationId: 'backup',
      tags: ['Operations'],
      summary: 'All entries at one moment, for holdfast restore',
      description:
        'Streamed. Only a reply that ends as HTTP says, and whose last line is the footer, is a ' +
        'whole backup; `holdfast backup` proves it.',
      responses: {
        '200': {
          description: 'Lines of JSON, as src/storage/FORMAT.md describes.',
          headers: headers(),
          content: { 'application/x-ndjson': { schema: { type: 'string' } } },
        },
        ...problems('BAD_REQUEST', 'OVERLOADED', 'SHARD_UNAVAILABLE', 'SHUTTING_DOWN'),
      },
    },
  },
  '/metrics': page('metrics', 'What is measured, for Prometheus', 'text/plain', 'string'),
  '/docs': page('docs', 'This document as a page', 'text/html', 'string'),
  '/docs/json': page('openapi', 'This document', 'application/json', 'object'),
};
