// GET /v1/keys: one page of a listing.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ListItem, ListPage, ListQuery } from '../../store/listing.ts';
import type { Store } from '../../store/store.ts';
import type { TurnQueue } from '../overload/turn-queue.ts';
import { queryText } from '../request-target.ts';
import { jsonMediaType, keyMember, valueMember } from './json-text.ts';
import { encodeCursor, parseListQuery } from './list-query.ts';

function itemText({ key, version, size, expiresAt, value }: ListItem): string {
  const expiry = expiresAt === undefined ? '' : `,"expiresAt":${expiresAt}`;
  const content = value === undefined ? '' : `,${valueMember(value)}`;
  return `{${keyMember(key)},"version":${version},"size":${size}${expiry}${content}}`;
}

function pageText(query: ListQuery, { items, next }: ListPage): string {
  const cursor = next === undefined ? '' : `,"cursor":"${encodeCursor(query, next)}"`;
  return `{"items":[${items.map(itemText).join(',')}]${cursor}}`;
}

export interface ListRouteOptions {
  readonly store: Store;
  readonly turns: TurnQueue;
}

export function listRoutes(app: FastifyInstance, { store, turns }: ListRouteOptions): void {
  app.get('/v1/keys', async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const query = parseListQuery(queryText(request));
    turns.check();
    const page = await store.list(query);
    const body = Buffer.from(await turns.run(() => pageText(query, page)));
    reply.server.replies.check(body.length);
    reply.header('content-type', jsonMediaType).header('x-content-type-options', 'nosniff');
    reply.send(body);
  });
}
