// Speaks HTTP over a bare socket, because fetch and inject normalise paths and refuse malformed
// requests.
import type { Socket } from 'node:net';
import { connectToPort } from './transport.ts';

export interface RawReply {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function parseReply(text: string): RawReply {
  const end = text.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  return { status: Number(statusLine.split(' ')[1]), headers, body: text.slice(end + 4) };
}

/** Everything that the server sends until it closes the connection, one character a byte. */
export function readToEnd(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    readToCut(socket).then(resolve, reject);
  });
}

/** Like `readToEnd`, but also for a server that closes, and so resets, while the client still sends. */
export function readToCut(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => undefined);
    socket.once('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
  });
}

/** Sends bytes, given as one character each, on a connection of their own. */
export async function sendRaw(port: number, bytes: string): Promise<RawReply> {
  const socket = connectToPort(port);
  const reply = readToEnd(socket);
  socket.write(Buffer.from(bytes, 'latin1'));
  return parseReply(await reply);
}

/** Sends one request. The target goes out unchanged. */
export function rawRequest(
  port: number,
  method: string,
  target: string,
  { headers = [], body }: { headers?: readonly string[]; body?: string } = {},
): Promise<RawReply> {
  const length = body === undefined ? [] : [`Content-Length: ${body.length}`];
  const lines = [`${method} ${target} HTTP/1.1`, 'Host: localhost', 'Connection: close'];
  return sendRaw(port, [...lines, ...length, ...headers, '', body ?? ''].join('\r\n'));
}

/** @returns the index after a chunked body that begins at `start` */
function endOfChunks(text: string, start: number): number {
  for (let at = start; ;) {
    const lineEnd = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (lineEnd === -1 || Number.isNaN(size)) throw new Error('half a chunk');
    at = lineEnd + 2 + size + 2;
    if (size === 0) return at;
  }
}

/**
 * Splits successive replies. A chunked body stays as it came.
 *
 * @param methods of the requests, in order: needed if a HEAD is among them
 */
export function parseReplies(text: string, methods: readonly string[] = []): RawReply[] {
  const replies: RawReply[] = [];
  let answered = 0;
  for (let rest = text; rest !== '';) {
    const end = rest.indexOf('\r\n\r\n');
    if (end === -1) throw new Error(`half a reply: ${JSON.stringify(rest.slice(0, 200))}`);
    const { status, headers } = parseReply(rest.slice(0, end + 4));
    const isToHead = methods[answered] === 'HEAD';
    if (status >= 200) answered += 1;
    const isChunked = headers['transfer-encoding'] === 'chunked';
    const length = isToHead ? 0 : Number(headers['content-length'] ?? 0);
    const next = isChunked && !isToHead ? endOfChunks(rest, end + 4) : end + 4 + length;
    if (next > rest.length) throw new Error(`half a body: ${JSON.stringify(rest.slice(0, 200))}`);
    replies.push(parseReply(rest.slice(0, next)));
    rest = rest.slice(next);
  }
  return replies;
}

/**
 * Sends bytes, given as one character each.
 *
 * @returns all replies until the server closes the connection
 */
export async function sendRawForAll(port: number, bytes: string): Promise<RawReply[]> {
  const socket = connectToPort(port);
  const text = readToEnd(socket);
  socket.write(Buffer.from(bytes, 'latin1'));
  return parseReplies(await text);
}
