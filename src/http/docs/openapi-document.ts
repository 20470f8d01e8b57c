// Puts the OpenAPI document together. The document is written by hand, not derived from the routes.
// A schema on a route would make the framework parse and judge bodies that we take as they are. A
// test proves that the document names exactly the routes there are.
import { errorSentences } from '../../base/errors.ts';
import { statusOfError } from '../wire/status-of-error.ts';
import { adminPaths } from './admin-paths.ts';
import { clientPaths } from './client-paths.ts';
import { keyPath } from './key-paths.ts';
import { lockPath } from './lock-paths.ts';
import { batchPath, listPath, transactionsPath } from './many-paths.ts';
import { servers } from './namespaces.ts';
import { operationsPaths } from './operations-paths.ts';
import { replyHeaders } from './replies.ts';
import { schemas } from './schemas.ts';

const errorTable = Object.entries(errorSentences).map(([code, sentence]) => {
  const status = Object.entries(statusOfError).find(([name]) => name === code)?.[1];
  return `| \`${code}\` | ${status} | ${sentence} |`;
});

const tags = [
  'Keys',
  'Many keys',
  'Locks',
  'Commands',
  'unstorage',
  'Administration',
  'Operations',
];

const description = `A durable, sharded key-value server over plain HTTP.

**Tokens.** An open server needs none. Once the server has a token, each request needs one:
\`Authorization: Bearer TOKEN\`. Only \`/livez\` and \`/readyz\` need none.

**Namespaces.** Each is a separate set of keys. A request names one by \`/ns/{namespace}\` in front of
its path, once and not encoded (\`/ns/shop/v1/keys/a\`, \`/ns/shop/upstash\`), or by the header
\`Holdfast-Namespace\`. Paths of unstorage, of the administration and of operations take no such prefix.
The first put into a namespace makes it if the caller has \`admin\` on \`*\`, or the server is open.

**Refusals.** 401: no valid token. 403: the token does not allow it; the reply is the same whether or not
a key, a namespace or a user exists. Only callers that may see all get 404 for a namespace.

**Rates.** A token may have rates: requests, and written bytes, a second. Past one, the reply is 429 with
\`Retry-After\`, and nothing was done. Every reply to such a token has \`RateLimit-Limit\`,
\`RateLimit-Remaining\` and \`RateLimit-Reset\`. \`/livez\` and \`/readyz\` cost nothing.

Every error is \`application/problem+json\` with one of these codes:

| code | status | meaning |
|---|---|---|
${errorTable.join('\n')}`;

export function openapiDocument(version: string) {
  return {
    openapi: '3.1.0',
    info: { title: 'Holdfast', version, description },
    servers,
    tags: tags.map((name) => ({ name })),
    paths: {
      '/v1/keys/{key}': keyPath,
      '/v1/keys': listPath,
      '/v1/batch': batchPath,
      '/v1/transactions': transactionsPath,
      '/v1/locks/{name}': lockPath,
      ...clientPaths,
      ...adminPaths,
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
