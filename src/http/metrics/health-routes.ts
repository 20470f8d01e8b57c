// /livez says whether the process can answer, /readyz whether the store can.
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Store } from '../../store/store.ts';
import type { ShardStatus } from '../../store/store-status.ts';

export interface HealthOptions {
  readonly store: Store;
  readonly isStopping: () => boolean;
}

function sendJson(reply: FastifyReply, status: number, json: unknown): void {
  reply.header('content-type', 'application/json');
  reply.code(status).send(Buffer.from(JSON.stringify(json)));
}

function shardHealth({ shard, state, reason }: ShardStatus) {
  return { shard, state, reason };
}

export function healthRoutes(app: FastifyInstance, { store, isStopping }: HealthOptions): void {
  app.get('/livez', (_request, reply) => {
    sendJson(reply, 200, { live: true });
  });
  app.get('/readyz', (_request, reply) => {
    const stopping = isStopping();
    const shards = store.status().shards.map(shardHealth);
    const ready = !stopping && shards.every(({ state }) => state === 'serving');
    const reason = stopping ? 'The server is stopping.' : undefined;
    if (!ready) reply.header('retry-after', '1');
    sendJson(reply, ready ? 200 : 503, { ready, reason, shards });
  });
}
