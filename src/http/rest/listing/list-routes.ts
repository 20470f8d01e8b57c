// The routes of /v1/keys. Owns the answer of a listing. Other files read the query and the cursor, and delete.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ListItem, ListPage, ListQuery } from '../../../store/listing.ts';
import { pageBytesMax } from '../../../base/limits.ts';
import { unitsOf } from '../../overload/concurrency-limiter.ts';
import { answering, jsonAnswer, type Answer } from '../../wire/answer.ts';
import { queryText } from '../../wire/request-target.ts';
import { keyMember, valueMember } from '../json/json-text.ts';
import { encodeCursor, parseListQuery } from './list-query.ts';
import { RangeDeletes } from './range-deletes.ts';
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

export function listRoutes(app: FastifyInstance, context: RouteContext): void {
  const { scopes, large, replies } = context;
  const list = async (request: FastifyRequest): Promise<Answer> => {
    const { store, namespace } = scopes.of(request);
    store.authorization.requireSomeRead(namespace);
    const query = parseListQuery(namespace, queryText(request));
    const answer = await large.runBodiless(namespace, unitsOfPage(query), async () =>
      jsonAnswer(200, pageText(query, await store.list(query))),
    );
    replies.check(answer.body.length);
    return answer;
  };
  app.get('/v1/keys', answering(list));
  app.delete('/v1/keys', answering(new RangeDeletes(context).answer));
}
