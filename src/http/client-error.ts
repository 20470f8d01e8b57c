// Answers what node's HTTP parser refuses before there is a request: malformed HTTP, headers that
// are too large, requests that do not arrive, tunnels. Same form as every other error, over the bare socket.
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { StoreError, systemErrorCode } from '../base/errors.ts';
import type { BodyReader } from './body/body-reader.ts';
import type { Connections } from './connections.ts';
import { problemOf, type Problem } from './problem.ts';
import type { RequestOrder } from './request-order.ts';

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
  readonly order: RequestOrder;
}

export function answerClientError(
  error: Error,
  socket: Socket,
  observers: ConnectionObservers,
): void {
  const { bodies, connections, order } = observers;
  const refuse = (): void => refuseOn(socket, error, connections);
  const isLate = systemErrorCode(error) === 'ERR_HTTP_REQUEST_TIMEOUT';
  // A body that waits for room is not late by its client's fault.
  if (isLate && (bodies.answerLate(socket) || order.excuses(socket, refuse))) return;
  refuse();
}

function refuseOn(socket: Socket, error: Error, connections: Connections): void {
  const code = systemErrorCode(error);
  // The connection has had its last reply: there is nobody to answer any more.
  if (connections.isFinal(socket) || code === 'HPE_CLOSED_CONNECTION') return;
  const isCut = code === 'ECONNRESET' || !socket.writable;
  const isHalfReplied =
    connections.lastAwaitedOn(socket) === undefined && connections.isReplying(socket);
  if (isCut || isHalfReplied) socket.destroy();
  else answerLast(socket, problemOf(refusalOf(error)), connections);
}

const noTunnel = problemOf(
  new StoreError('METHOD_NOT_ALLOWED', 'CONNECT is for proxies, and this is none.'),
);

/** Node hands over the bare socket of a CONNECT, or closes it without a word. */
export function answerConnect({ socket }: IncomingMessage, connections: Connections): void {
  // Node has let go of it, and replies that are still owed may need these.
  socket.on('error', () => socket.destroy());
  socket.on('timeout', () => socket.destroy());
  socket.on('drain', () => connections.firstOpenOn(socket)?.emit('drain'));
  if (connections.isFinal(socket)) return;
  const allow = 'DELETE, GET, HEAD, POST, PUT';
  answerLast(socket, { ...noTunnel, headers: { ...noTunnel.headers, allow } }, connections);
}

/** Answers in its turn: behind the replies to what came before it whole. Nothing comes after. */
function answerLast(socket: Socket, problem: Problem, connections: Connections): void {
  const awaited = connections.lastAwaitedOn(socket);
  connections.noteFinalReply(socket);
  if (awaited === undefined) {
    answerAndClose(socket, problem);
    return;
  }
  // Node would close behind that reply if the client has no more to say.
  socket.removeAllListeners('end');
  awaited.once('close', () => answerAndClose(socket, problem));
}

function answerAndClose(socket: Socket, problem: Problem): void {
  // A reply before it may have been the last: a stop has begun, or the client asked for it.
  if (socket.writable) socket.end(textOf(problem), () => socket.destroy());
}
