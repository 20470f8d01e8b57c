// Reads the parameters of a listing, and of a delete in steps. Owns the cursor that carries a walk from
// page to page.
// Asks no store.
import { createHash } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import { defaultNamespace } from '../../../base/default-namespace.ts';
import type { ListQuery } from '../../../store/listing.ts';
import { badParameter, parseQuery, type Query } from '../query.ts';

export const listLimitMax = 1000;
export const listLimitDefault = 100;

const parameters = ['prefix', 'start', 'end', 'limit', 'reverse', 'include', 'cursor'] as const;
const deleteParameters = ['prefix', 'limit', 'cursor'] as const;
const limitText = /^[0-9]{1,9}$/;

/** A listing without its position: all that must be the same on each page of a walk. */
type Walk = Omit<ListQuery, 'after'>;

function limitOf(text: string | undefined, limitDefault: number): number {
  if (text === undefined) return limitDefault;
  const limit = limitText.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= listLimitMax) return limit;
  throw badParameter('limit', `limit must be an integer from 1 to ${listLimitMax}.`);
}

function reverseOf(text: string | undefined): boolean {
  if (text === undefined || text === 'false') return false;
  if (text === 'true') return true;
  throw badParameter('reverse', 'reverse must be true or false.');
}

function includeValuesOf(text: string | undefined): boolean {
  if (text === undefined) return false;
  if (text === 'values') return true;
  throw badParameter('include', 'include must be values.');
}

function walkOf(namespace: string, query: Query, limitDefault: number): Walk {
  return {
    namespace,
    prefix: query.get('prefix') ?? '',
    start: query.get('start'),
    end: query.get('end'),
    limit: limitOf(query.get('limit'), limitDefault),
    reverse: reverseOf(query.get('reverse')),
    includeValues: includeValuesOf(query.get('include')),
  };
}

const fingerprintBytes = 8;

/** Tells walks apart. The fingerprint is no secret: a forged cursor is just another valid query. */
function fingerprintOf(walk: Walk): Buffer {
  const { namespace, prefix, start, end, limit, reverse, includeValues } = walk;
  const interval = [prefix, start ?? null, end ?? null, limit, reverse, includeValues];
  const text = JSON.stringify([namespace, ...interval]);
  return createHash('sha256').update(text).digest().subarray(0, fingerprintBytes);
}

/** @param position the key behind which the next page begins, a byte string */
export function encodeCursor(walk: Walk, position: string): string {
  const key = Buffer.from(position, 'latin1');
  return Buffer.concat([fingerprintOf(walk), key]).toString('base64url');
}

function decodeCursor(walk: Walk, cursor: string): string {
  const bytes = Buffer.from(cursor, 'base64url');
  const position = bytes.subarray(fingerprintBytes);
  // The decoder skips unknown characters. Only a text that encodes to itself again was a cursor.
  const malformed = bytes.toString('base64url') !== cursor;
  if (malformed || position.length === 0 || !isUtf8(position)) {
    throw badParameter('cursor', 'cursor must be one that the page before came with.');
  }
  if (!bytes.subarray(0, fingerprintBytes).equals(fingerprintOf(walk))) {
    const detail = 'The cursor is of another query; repeat the parameters of the page before.';
    throw badParameter('cursor', detail);
  }
  return position.toString('latin1');
}

/** @param text the query, without its `?` */
export function parseListQuery(namespace: string, text: string): ListQuery {
  const query = parseQuery(text, parameters);
  return withPosition(walkOf(namespace, query, listLimitDefault), query);
}

/**
 * The walk of a delete has no default for its prefix: a request that lacks it must not empty a namespace.
 *
 * @param text as for `parseListQuery`
 */
export function parseDeleteQuery(namespace: string, text: string): ListQuery {
  const query = parseQuery(text, deleteParameters);
  const walk = walkOf(namespace, query, listLimitMax);
  if (walk.prefix === '') throw badParameter('prefix', withoutPrefix(namespace));
  return withPosition(walk, query);
}

function withoutPrefix(namespace: string): string {
  const drop = `DELETE /v1/admin/namespaces/${namespace}`;
  const all =
    namespace === defaultNamespace
      ? `${drop} is refused for this one, and FLUSHDB under /upstash empties it`
      : `${drop} drops it with all its keys`;
  return `prefix must be given, and not be empty. To delete all of the namespace: ${all}. Nothing was deleted.`;
}

function withPosition(walk: Walk, query: Query): ListQuery {
  const cursor = query.get('cursor');
  return { ...walk, after: cursor === undefined ? undefined : decodeCursor(walk, cursor) };
}
