// Answers requests that node's HTTP parser refuses before a request object exists: malformed HTTP,
// too large headers, late requests, CONNECT. Writes to the bare socket.
import { STATUS_CODES, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { StoreError, systemErrorCode } from '../../base/errors.ts';
import type { BodyReader } from '../body/body-reader.ts';
import type { Connections } from '../connections/connections.ts';
import type { Dialects } from './dialects.ts';
import { headersOfEachReply, type Answer } from './answer.ts';
import { withoutNamespace } from './namespace-of-target.ts';
import { problemOf } from './problem.ts';
import { requestIdHeader, requestIdOf } from './request-id.ts';
import type { RequestOrder } from '../connections/request-order.ts';

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

/**
 * @returns the target of the refused request; empty if the bytes at hand do not tell it. The packet
 * may hold earlier requests, so only a head that begins after the last empty line counts.
 */
function targetInPacket(error: Error): string {
  if (!('rawPacket' in error && 'bytesParsed' in error)) return '';
  const { rawPacket, bytesParsed } = error;
  if (!Buffer.isBuffer(rawPacket) || typeof bytesParsed !== 'number') return '';
  const parsed = rawPacket.toString('latin1', 0, bytesParsed);
  const end = parsed.lastIndexOf('\r\n\r\n');
  const head = end === -1 ? parsed : parsed.slice(end + 4);
  return /^[A-Z]+ (\S+)/.exec(head)?.[1] ?? '';
}

/** If the head has arrived and the body is late or malformed, node has a request. */
function arrivingOn(socket: Socket, connections: Connections): IncomingMessage | undefined {
  const request = connections.lastOpenOn(socket)?.req;
  return request?.complete === false ? request : undefined;
}

/** The answer with the headers that the gate has for each reply to the request. */
function withReplyHeaders(answer: Answer, { replyHeaders = [] }: IncomingMessage): Answer {
  const headers: Record<string, string> = { ...answer.headers };
  for (let i = 0; i + 1 < replyHeaders.length; i += 2) {
    headers[replyHeaders[i] ?? ''] = replyHeaders[i + 1] ?? '';
  }
  return { ...answer, headers };
}

/** A request that has not arrived whole, as far as its reply depends on it. */
export interface UnfinishedHead {
  /** Empty if the head is not whole. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
}

function bytesOf({ status, headers, body }: Answer, asked: IncomingHttpHeaders): Buffer {
  const id = requestIdOf(asked);
  const own = { 'content-length': body.length, [requestIdHeader]: id, connection: 'close' };
  const lines = Object.entries({ ...headers, ...headersOfEachReply, ...own });
  const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${text}\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

export interface ConnectionObservers {
  readonly bodies: BodyReader;
  readonly connections: Connections;
  readonly dialects: Dialects;
  readonly order: RequestOrder;
}

export function answerClientError(
  error: Error,
  socket: Socket,
  observers: ConnectionObservers,
): void {
  const { bodies, order } = observers;
  const refuse = (): void => refuseOn(socket, error, observers);
  const isLate = systemErrorCode(error) === 'ERR_HTTP_REQUEST_TIMEOUT';
  // The client is not at fault if its body waits for room, or if earlier requests are held.
  if (isLate && (bodies.answerLate(socket) || order.excuses(socket, refuse))) return;
  refuse();
}

/** Answers a request that its client has cut short by ending its side, as if node had noticed. */
export function answerCutShort(
  socket: Socket,
  { target, headers }: UnfinishedHead,
  { connections, dialects }: ConnectionObservers,
): void {
  socket.on('error', () => socket.destroy());
  const refusal = refusalOf(new Error('the client has ended its side'));
  const answer = dialects.problemFor(withoutNamespace(target), refusal);
  answerLast(socket, bytesOf(answer, headers), connections);
}

function refuseOn(
  socket: Socket,
  error: Error,
  { connections, dialects }: ConnectionObservers,
): void {
  const code = systemErrorCode(error);
  // The connection has had its last reply, so later requests on it get no answer.
  if (connections.isFinal(socket) || code === 'HPE_CLOSED_CONNECTION') return;
  const isCut = code === 'ECONNRESET' || !socket.writable;
  const isHalfReplied =
    connections.lastAwaitedOn(socket) === undefined && connections.isReplying(socket);
  if (isCut || isHalfReplied) socket.destroy();
  else {
    const request = arrivingOn(socket, connections);
    const target = withoutNamespace(request?.url ?? targetInPacket(error));
    const answer = dialects.problemFor(target, refusalOf(error));
    const whole = request ? withReplyHeaders(answer, request) : answer;
    answerLast(socket, bytesOf(whole, request?.headers ?? {}), connections);
  }
}

const noTunnel = problemOf(
  new StoreError('METHOD_NOT_ALLOWED', 'CONNECT is for proxies, and this is none.'),
);

/**
 * Answers a CONNECT. Node hands over its bare socket; without a listener node closes it unanswered.
 */
export function answerConnect(request: IncomingMessage, connections: Connections): void {
  const { socket } = request;
  // Node has removed its own listeners from the socket, and replies still owed may need these.
  socket.on('error', () => socket.destroy());
  socket.on('timeout', () => socket.destroy());
  socket.on('drain', () => connections.firstOpenOn(socket)?.emit('drain'));
  if (connections.isFinal(socket)) return;
  const allow = 'DELETE, GET, HEAD, POST, PUT';
  const answer = { ...noTunnel, headers: { ...noTunnel.headers, allow } };
  answerLast(socket, bytesOf(answer, request.headers), connections);
}

/**
 * Sends the last answer of a connection, after the replies to earlier requests that arrived whole.
 */
function answerLast(socket: Socket, reply: Buffer, connections: Connections): void {
  const awaited = connections.lastAwaitedOn(socket);
  connections.noteFinalReply(socket);
  if (awaited === undefined) {
    answerAndClose(socket, reply);
    return;
  }
  // If the client has ended its side, node would close the socket after that reply.
  socket.removeAllListeners('end');
  awaited.once('close', () => answerAndClose(socket, reply));
}

function answerAndClose(socket: Socket, reply: Buffer): void {
  // An earlier reply may have closed the connection: a drain has begun, or the client asked for it.
  if (socket.writable) socket.end(reply, () => socket.destroy());
}
