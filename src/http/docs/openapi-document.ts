// Puts the OpenAPI document together. The document is written by hand, not derived from the routes.
// A schema on a route would make the framework parse and judge bodies that we take as they are. A
// test proves that the document names exactly the routes there are.
import { errorSentences } from '../../base/errors.ts';
import { statusOfError } from '../wire/status-of-error.ts';
import { clientPaths } from './client-paths.ts';
import { keyPath } from './key-paths.ts';
import { batchPath, listPath, transactionsPath } from './many-paths.ts';
import { operationsPaths } from './operations-paths.ts';
import { replyHeaders } from './replies.ts';
import { schemas } from './schemas.ts';

const errorTable = Object.entries(errorSentences).map(([code, sentence]) => {
  const status = Object.entries(statusOfError).find(([name]) => name === code)?.[1];
  return `| \`${code}\` | ${status} | ${sentence} |`;
});

const description = `A durable, sharded key-value server over plain HTTP.

Every error is \`application/problem+json\` with one of these codes:

| code | status | meaning |
|---|---|---|
${errorTable.join('\n')}`;

export function openapiDocument(version: string) {
  return {
    openapi: '3.1.0',
    info: { title: 'Holdfast', version, description },
    // Relative to /docs/json: a prefix before that applies here, too.
    servers: [{ url: '..', description: 'The server of this document' }],
    tags: ['Keys', 'Many keys', 'Commands', 'unstorage', 'Operations'].map((name) => ({ name })),
    paths: {
      '/v1/keys/{key}': keyPath,
      '/v1/keys': listPath,
      '/v1/batch': batchPath,
      '/v1/transactions': transactionsPath,
      ...clientPaths,
      ...operationsPaths,
    },
    components: {
      schemas,
      headers: replyHeaders,
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
    },
    // An open server needs no token.
    security: [{}, { bearer: [] }],
  };
}
