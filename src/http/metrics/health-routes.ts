// /livez says whether the process can answer, /readyz whether the store can.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Store } from '../../store/store.ts';
import type { ShardStatus } from '../../store/store-status.ts';
import { answering, jsonAnswer, type Answer } from '../wire/answer.ts';

export interface HealthOptions {
  readonly store: Store;
  readonly isStopping: () => boolean;
}

function shardHealth({ shard, state, reason }: ShardStatus) {
  return { shard, state, reason };
}

export function healthRoutes(app: FastifyInstance, { store, isStopping }: HealthOptions): void {
  app.get(
    '/livez',
    answering(() => jsonAnswer(200, JSON.stringify({ live: true }))),
  );
  const readiness = ({ raw }: FastifyRequest): Answer => {
    const stopping = isStopping();
    const shards = store.status().shards.map(shardHealth);
    const ready = !stopping && shards.every(({ state }) => state === 'serving');
    const reason = stopping ? 'The server is stopping.' : undefined;
    // Reasons are for callers that the server knows.
    const isKnown = raw.caller !== undefined;
    const json = JSON.stringify(isKnown ? { ready, reason, shards } : { ready });
    return ready ? jsonAnswer(200, json) : jsonAnswer(503, json, { 'retry-after': '1' });
  };
  app.get('/readyz', answering(readiness));
}
