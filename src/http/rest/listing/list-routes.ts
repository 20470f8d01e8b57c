// GET /v1/keys: one page of a listing. Other files read the query and the cursor.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ListItem, ListPage, ListQuery } from '../../../store/listing.ts';
import { pageBytesMax } from '../../../base/limits.ts';
import { unitsOf } from '../../overload/concurrency-limiter.ts';
import { queryText } from '../../wire/request-target.ts';
import { jsonMediaType, keyMember, valueMember } from '../json/json-text.ts';
import { encodeCursor, parseListQuery } from './list-query.ts';
import type { RouteContext } from '../../route-context.ts';

function itemText({ key, version, size, expiresAt, value }: ListItem): string {
  const expiry = expiresAt === undefined ? '' : `,"expiresAt":${expiresAt}`;
  const content = value === undefined ? '' : `,${valueMember(value)}`;
  return `{${keyMember(key)},"version":${version},"size":${size}${expiry}${content}}`;
}

function pageText(query: ListQuery, { items, next }: ListPage): string {
  const cursor = next === undefined ? '' : `,"cursor":"${encodeCursor(query, next)}"`;
  return `{"items":[${items.map(itemText).join(',')}]${cursor}}`;
}

function unitsOfPage({ limit, includeValues }: ListQuery): number {
  return unitsOf(limit, includeValues ? pageBytesMax : 0);
}

export function listRoutes(app: FastifyInstance, { store, work, turns }: RouteContext): void {
  app.get('/v1/keys', async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const query = parseListQuery(queryText(request));
    turns.check();
    const newBody = async (): Promise<Buffer> =>
      Buffer.from(pageText(query, await store.list(query)));
    const body = await turns.run(() => work.during(unitsOfPage(query), newBody));
    reply.server.replies.check(body.length);
    reply.header('content-type', jsonMediaType).header('x-content-type-options', 'nosniff');
    reply.send(body);
  });
}
