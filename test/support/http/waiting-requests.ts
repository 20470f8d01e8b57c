// Requests that wait for a change of a key, and the facts of their replies.
import type { FastifyInstance } from 'fastify';
import { expect } from 'vitest';

export interface WaitingServer {
  readonly app: FastifyInstance;
  readonly url: string;
}

/** Returns once so many requests wait. */
export function untilWaiting({ app }: WaitingServer, count = 1): Promise<void> {
  return expect.poll(() => app.waits.count).toBe(count);
}

export interface WaitAsked {
  readonly wait?: string;
  readonly method?: string;
  /** The entity tags that the client holds. */
  readonly held?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

export function ask(
  { url }: WaitingServer,
  path: string,
  { wait = '5m', method = 'GET', held, headers = {} }: WaitAsked = {},
): Promise<Response> {
  const conditions: Record<string, string> = held === undefined ? {} : { 'if-none-match': held };
  return fetch(`${url}${path}?wait=${wait}`, { method, headers: { ...headers, ...conditions } });
}

/** Sends a request, and returns once it waits. */
export async function askWaiting(server: WaitingServer, path: string, asked?: WaitAsked) {
  const count = server.app.waits.count + 1;
  const reply = ask(server, path, asked);
  // A test may leave the request waiting. Its end then cuts the connection, and that is no fault.
  reply.catch(() => undefined);
  await untilWaiting(server, count);
  return { reply };
}

export async function factsOf(reply: Response | Promise<Response>) {
  const answered = await reply;
  const text = await answered.text();
  return { status: answered.status, etag: answered.headers.get('etag'), text };
}

/** @returns the entity tag of the new version */
export async function putValue({ url }: WaitingServer, path: string, body = 'x'): Promise<string> {
  const { status, headers } = await fetch(`${url}${path}`, { method: 'PUT', body });
  if (status !== 201 && status !== 204) throw new Error(`a PUT was answered ${status}`);
  return headers.get('etag') ?? '';
}
