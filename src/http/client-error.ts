// Answers what node's HTTP parser refuses before there is a request: malformed HTTP, headers that
// are too large, requests that do not arrive, tunnels. Same form as every other error, over the bare socket.
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { StoreError, systemErrorCode } from '../base/errors.ts';
import type { BodyReader } from './body/body-reader.ts';
import type { Connections } from './connections.ts';
import { problemOf, type Problem } from './problem.ts';

function refusalOf(error: Error): StoreError {
  const code = systemErrorCode(error);
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new StoreError('HEADERS_TOO_LARGE', 'The request line and headers are too large.');
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    const facts = { retryable: true };
    return new StoreError('REQUEST_TIMEOUT', 'The request did not arrive whole in time.', facts);
  }
  if (code === 'HPE_INVALID_URL') {
    const detail = 'The request target has a character that must be percent-encoded.';
    return new StoreError('BAD_REQUEST', detail);
  }
  return new StoreError('BAD_REQUEST', 'The request is not well-formed HTTP/1.1.');
}

function textOf({ status, headers, body }: Problem): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = Buffer.byteLength(body);
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}`;
  const own = `cache-control: no-store\r\ncontent-length: ${length}\r\nconnection: close\r\n`;
  return `${head}${own}\r\n${body}`;
}

export interface ConnectionObservers {
  readonly bodies: BodyReader;
  readonly connections: Connections;
}

export function answerClientError(
  error: Error,
  socket: Socket,
  { bodies, connections }: ConnectionObservers,
): void {
  // The connection has had its last reply: there is nobody to answer any more.
  if (connections.isFinal(socket) || systemErrorCode(error) === 'HPE_CLOSED_CONNECTION') return;
  if (systemErrorCode(error) === 'ERR_HTTP_REQUEST_TIMEOUT' && bodies.answerLate(socket)) return;
  const awaited = connections.awaitedOn(socket);
  if (awaited !== undefined && !awaited.headersSent && systemErrorCode(error) !== 'ECONNRESET') {
    // What came before the malformed bytes is answered first, and nothing after it.
    awaited.shouldKeepAlive = false;
    return;
  }
  if (!socket.writable || awaited !== undefined || connections.isReplying(socket)) {
    socket.destroy();
    return;
  }
  answerAndClose(socket, problemOf(refusalOf(error)));
}

const noTunnel = problemOf(
  new StoreError('METHOD_NOT_ALLOWED', 'CONNECT is for proxies, and this is none.'),
);

/** Node hands over the bare socket of a CONNECT, or closes it without a word. */
export function answerConnect(_request: IncomingMessage, socket: Duplex): void {
  socket.on('error', () => socket.destroy());
  const allow = 'DELETE, GET, HEAD, POST, PUT';
  answerAndClose(socket, { ...noTunnel, headers: { ...noTunnel.headers, allow } });
}

function answerAndClose(socket: Duplex, problem: Problem): void {
  socket.end(textOf(problem), () => socket.destroy());
}
