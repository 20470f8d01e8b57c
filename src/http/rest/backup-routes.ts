// GET /v1/backup: streams the whole store at one moment, as fast as the client reads. If a backup
// fails midway, the server destroys the connection: the client must not take it for complete.
// Knows no engine, and not the format of a backup.
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { RequestScope } from '../access/request-scopes.ts';
import { queryText } from '../wire/request-target.ts';
import { parseQuery } from './query.ts';

const backupMediaType = 'application/x-ndjson';

/** A client that reads nothing for this long would keep other clients from taking a backup. */
const stalledMsDefault = 300_000;

export interface BackupRouteOptions {
  readonly scopes: { of(request: FastifyRequest): Pick<RequestScope, 'store'> };
  readonly takesBackups: boolean;
  readonly stalledMs?: number;
}

/** Adds the route only if the engine takes backups. */
export function backupRoutes(app: FastifyInstance, options: BackupRouteOptions): void {
  const { scopes, takesBackups, stalledMs = stalledMsDefault } = options;
  if (!takesBackups) return;
  const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { store } = scopes.of(request);
    store.requireServerAdmin();
    parseQuery(queryText(request), []);
    const pieces = await store.backup();
    reply.header('content-type', backupMediaType);
    reply.header('content-disposition', 'attachment; filename="holdfast-backup.ndjson"');
    // No handler listens for this timeout, so node destroys the connection.
    reply.raw.setTimeout(stalledMs);
    // One piece ahead is enough: each has about a megabyte.
    return reply.send(Readable.from(pieces, { objectMode: true, highWaterMark: 1 }));
  };
  // A HEAD would take the whole backup and discard it.
  app.get('/v1/backup', { exposeHeadRoute: false }, answer);
}
