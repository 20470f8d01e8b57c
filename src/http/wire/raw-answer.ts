// Sends an answer without the framework: before a request is routed, or when refusing has to be
// cheap. The head is built once for all requests that get the same answer.
import type { ServerResponse } from 'node:http';
import { headersOfEachReply, type Answer } from './answer.ts';

export interface RawAnswer {
  readonly status: number;
  /** Names and values by turns. */
  readonly head: readonly string[];
  readonly body: Buffer;
}

export function rawAnswer({ status, headers, body }: Answer): RawAnswer {
  // A 204 has no length (RFC 9110 section 8.6).
  const length = status === 204 ? {} : { 'content-length': String(body.length) };
  const all = { ...headers, ...headersOfEachReply, ...length };
  return { status, head: Object.entries(all).flat(), body };
}

export function sendRawAnswer(response: ServerResponse, { status, head, body }: RawAnswer): void {
  // A copy: the class of the response may add headers to it.
  response.writeHead(status, [...head]).end(body);
}
