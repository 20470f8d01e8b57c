// The OpenAPI document, put together. Written beside the routes rather than derived from them,
// since a schema on a route would make the framework parse and judge what we take as it is; a test
// proves that it names exactly the routes there are.
import { errorSentences } from '../../base/errors.ts';
import { statusOfError } from '../status-of-error.ts';
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
    // Relative to /docs/json, so that a prefix before that counts here, too.
    servers: [{ url: '..', description: 'Where this document comes from' }],
    tags: ['Keys', 'Many keys', 'Commands', 'unstorage', 'Operations'].map((name) => ({ name })),
    paths: {
      '/v1/keys/{key}': keyPath,
      '/v1/keys': listPath,
      '/v1/batch': batchPath,
      '/v1/transactions': transactionsPath,
      ...clientPaths,
      ...operationsPaths,
    },
    components: { schemas, headers: replyHeaders },
  };
}
