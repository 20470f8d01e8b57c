// Reads the parts that requests of administration share: names in the path, a JSON body, a page.
// Judges no member of a body.
import { isUtf8 } from 'node:buffer';
import type { FastifyRequest } from 'fastify';
import type { Page } from '../../access/views.ts';
import { textOfByteString } from '../../base/byte-string.ts';
import { StoreError } from '../../base/errors.ts';
import type { BodyLimit, ReadBody } from '../body/body-reader.ts';
import { badParameter, parseQuery } from '../rest/query.ts';
import { jsonAnswer, type Answer } from '../wire/answer.ts';
import { queryText } from '../wire/request-target.ts';

const bodyLimit: BodyLimit = { bytesMax: 1024 * 1024, code: 'REQUEST_TOO_LARGE' };

/** The name in the path behind `:parameter`. The router has decoded it. */
export function nameIn({ params }: FastifyRequest, parameter: string): string {
  return (params as Readonly<Record<string, string>>)[parameter] ?? '';
}

/** @throws StoreError if the query is not empty */
export function refuseQuery(request: FastifyRequest): void {
  parseQuery(queryText(request), []);
}

/**
 * An empty body counts as an object without members.
 *
 * @throws StoreError BAD_REQUEST, REQUEST_TOO_LARGE
 */
export async function jsonBody(readBody: ReadBody): Promise<unknown> {
  const body = await readBody(bodyLimit);
  if (body.length === 0) return {};
  try {
    if (isUtf8(body)) return JSON.parse(body.toString('utf8'));
  } catch {
    // Answered below.
  }
  throw new StoreError('BAD_REQUEST', 'The body must be one JSON document in UTF-8.');
}

export const adminPageMax = 1000;
export const adminPageDefault = 100;

export interface PageQuery {
  readonly after: string | undefined;
  readonly limit: number;
}

/** @throws StoreError BAD_REQUEST */
export function pageQuery(request: FastifyRequest): PageQuery {
  const query = parseQuery(queryText(request), ['limit', 'cursor']);
  const text = query.get('limit') ?? String(adminPageDefault);
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > adminPageMax) {
    throw badParameter('limit', `limit must be an integer from 1 to ${adminPageMax}.`);
  }
  const cursor = query.get('cursor');
  return { after: cursor === undefined ? undefined : nameOfCursor(cursor), limit };
}

/** A cursor is the last name of its page. It is encoded, so that no client builds on its form. */
function nameOfCursor(cursor: string): string {
  const bytes = Buffer.from(cursor, 'base64url');
  if (bytes.length > 0 && isUtf8(bytes) && bytes.toString('base64url') === cursor) {
    return textOfByteString(bytes.toString('latin1'));
  }
  throw badParameter('cursor', 'cursor must be one that the page before came with.');
}

export function pageAnswer<View>({ items, next }: Page<View>): Answer {
  const cursor = next === undefined ? undefined : Buffer.from(next).toString('base64url');
  return jsonAnswer(200, JSON.stringify({ items, cursor }));
}
