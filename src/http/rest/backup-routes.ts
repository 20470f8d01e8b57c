// GET /v1/backup: the whole store at one moment, streamed as fast as the client takes it. A backup
// that fails midway cuts the connection: it must not look like one that has ended.
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Store } from '../../store/store.ts';
import { queryText } from '../request-target.ts';
import { parseQuery } from './query.ts';

const backupMediaType = 'application/x-ndjson';

/** A client that takes nothing for so long would keep everybody else from taking a backup. */
const stalledMsDefault = 300_000;

export interface BackupRouteOptions {
  readonly store: Store;
  readonly stalledMs?: number;
}

/** Where the engine takes backups at all. */
export function backupRoutes(app: FastifyInstance, options: BackupRouteOptions): void {
  const { store, stalledMs = stalledMsDefault } = options;
  const backup = store.backup?.bind(store);
  if (backup === undefined) return;
  const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    parseQuery(queryText(request), []);
    const pieces = await backup();
    reply.header('content-type', backupMediaType).header('x-content-type-options', 'nosniff');
    reply.header('content-disposition', 'attachment; filename="holdfast-backup.ndjson"');
    // Nobody listens for its end: the connection is cut.
    reply.raw.setTimeout(stalledMs);
    // One piece ahead is enough: each is about a megabyte.
    return reply.send(Readable.from(pieces, { objectMode: true, highWaterMark: 1 }));
  };
  // A HEAD would take the whole backup and throw it away.
  app.get('/v1/backup', { exposeHeadRoute: false }, answer);
}
