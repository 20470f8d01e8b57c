// GET /v1/backup: streams the whole store, or one namespace, at one moment, as fast as the client
// reads. If a backup fails midway, the server destroys the connection: the client must not take it for
// complete. Knows no engine, and not the format of a backup.
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { StoreError } from '../../base/errors.ts';
import { checkNamespaceName } from '../../base/namespace-name.ts';
import type { RequestScope } from '../access/request-scopes.ts';
import { queryText } from '../wire/request-target.ts';
import { parseQuery } from './query.ts';

const backupMediaType = 'application/x-ndjson';

/** A client that reads nothing for this long would keep other clients from taking a backup. */
const stalledMsDefault = 300_000;

export interface BackupRouteOptions {
  readonly scopes: { of(request: FastifyRequest): Pick<RequestScope, 'store' | 'named'> };
  readonly takesBackups: boolean;
  readonly stalledMs?: number;
}

/** Adds the route only if the engine takes backups. */
export function backupRoutes(app: FastifyInstance, options: BackupRouteOptions): void {
  const { scopes, takesBackups, stalledMs = stalledMsDefault } = options;
  if (!takesBackups) return;
  const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { store, named } = scopes.of(request);
    store.authorization.requireSomeAdmin();
    const namespace = namespaceOf(queryText(request), named);
    const pieces = await store.backup({ namespace });
    const name = namespace === undefined ? '' : `-${namespace}`;
    reply.header('content-type', backupMediaType);
    reply.header('content-disposition', `attachment; filename="holdfast-backup${name}.ndjson"`);
    // No handler listens for this timeout, so node destroys the connection.
    reply.raw.setTimeout(stalledMs);
    // One piece ahead is enough: each has about a megabyte.
    return reply.send(Readable.from(pieces, { objectMode: true, highWaterMark: 1 }));
  };
  // A HEAD would take the whole backup and discard it.
  app.get('/v1/backup', { exposeHeadRoute: false }, answer);
}

/**
 * The namespace of the query, or the one that the request names as any other request does.
 *
 * @returns undefined if the request asks for the whole store
 * @throws StoreError if the name cannot be one, or if there are two
 */
function namespaceOf(query: string, named: string | undefined): string | undefined {
  const asked = parseQuery(query, ['namespace']).get('namespace');
  if (asked === undefined) return named;
  checkNamespaceName(asked, 'namespace');
  if (named === undefined || named === asked) return asked;
  const detail =
    `The query names the namespace ${asked}, and the path or Holdfast-Namespace names ${named}; ` +
    'allowed: one of them, or both alike. Nothing was done.';
  throw new StoreError('BAD_REQUEST', detail, { parameter: 'namespace' });
}
