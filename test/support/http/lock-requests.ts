// Requests about locks, and the facts of their replies.
import type { FastifyInstance } from 'fastify';
import { expect } from 'vitest';

export interface LockServer {
  readonly app: FastifyInstance;
  readonly url: string;
}

export interface LockAsked {
  readonly ttl?: string;
  readonly wait?: string;
  readonly fence?: number | undefined;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface LockReply {
  readonly status: number;
  readonly etag: string | null;
  readonly retryAfter: string | null;
  readonly replayed: string | null;
  readonly body: {
    readonly name?: string;
    readonly fence?: number;
    readonly expiresAt?: number;
    readonly code?: string;
    readonly parameter?: string;
  };
}

export const lockPath = '/v1/locks/job';

async function send(
  method: string,
  { url }: LockServer,
  query: string,
  { path = lockPath, fence, headers = {}, signal }: LockAsked,
): Promise<LockReply> {
  const condition: Record<string, string> = fence === undefined ? {} : { 'if-match': `"${fence}"` };
  const reply = await fetch(url + path + query, {
    method,
    headers: { ...headers, ...condition },
    ...(signal === undefined ? {} : { signal }),
  });
  const text = await reply.text();
  return {
    status: reply.status,
    etag: reply.headers.get('etag'),
    retryAfter: reply.headers.get('retry-after'),
    replayed: reply.headers.get('idempotent-replayed'),
    body: text === '' ? {} : (JSON.parse(text) as LockReply['body']),
  };
}

/** Takes the lock, or renews it if a fence is given. */
export function putLock(server: LockServer, asked: LockAsked = {}): Promise<LockReply> {
  const { ttl = '30s', wait } = asked;
  const query = wait === undefined ? `?ttl=${ttl}` : `?ttl=${ttl}&wait=${wait}`;
  return send('PUT', server, query, asked);
}

export function deleteLock(server: LockServer, asked: LockAsked = {}): Promise<LockReply> {
  return send('DELETE', server, '', asked);
}

export function getLock(server: LockServer, asked: LockAsked = {}): Promise<LockReply> {
  return send('GET', server, '', asked);
}

/** @returns the fence of a lock that is free */
export async function fenceOf(reply: LockReply | Promise<LockReply>): Promise<number> {
  const { status, body } = await reply;
  if (status !== 201 || body.fence === undefined)
    throw new Error(`the lock was not taken: ${status}`);
  return body.fence;
}

/** Returns once so many requests wait. */
export function untilWaiting({ app }: LockServer, count: number): Promise<void> {
  return expect.poll(() => app.waits.count).toBe(count);
}
