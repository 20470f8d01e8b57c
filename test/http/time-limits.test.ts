// The server cuts clients that ask or read too slowly within bounded time, whatever they trickle.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { openApp } from '../support/http/open-app.ts';
import { parseReplies, parseReply, readToCut } from '../support/http/raw-request.ts';
import { connectToPort } from '../support/http/transport.ts';
import { LateStore } from '../support/stores/late-store.ts';

const limits = { headersTimeoutMs: 300, requestTimeoutMs: 900 };

/** Node looks for late requests once a second; the rest is for a busy machine. */
const cutWithinMs = 8000;

async function open(port: number): Promise<Socket> {
  const socket = connectToPort(port);
  await once(socket, 'connect');
  return socket;
}

/** Sends a byte again and again while the connection is open. */
function trickle(socket: Socket, byte: string): void {
  const timer = setInterval(() => socket.write(byte), 50);
  socket.once('close', () => clearInterval(timer));
}

const half = 'PUT /v1/keys/a HTTP/1.1\r\nHost: localhost\r\n';

/** The bytes that each client sends first, and the byte that it then trickles. */
const slowClients: readonly (readonly [what: string, bytes: string, trickled?: string])[] = [
  ['a connection that never says anything', ''],
  ['half a request line', 'GET /v1'],
  ['half the headers', half],
  ['headers that trickle in', `${half}A: `, 'a'],
  ['half a body', `${half}Content-Length: 1000\r\n\r\nhalf`],
  ['a body that trickles in', `${half}Content-Length: 1000\r\n\r\nhalf`, 'a'],
  ['chunks that trickle in', `${half}Transfer-Encoding: chunked\r\n\r\nFFFF\r\n`, 'a'],
  [
    'a body that never comes though it was asked for',
    `${half}Content-Length: 9\r\nExpect: 100-continue\r\n\r\n`,
  ],
];

test('clients that are slow to ask are cut with a 408', async () => {
  const { app, port, model } = await openApp({ limits });
  const cuts = slowClients.map(async ([what, bytes, trickled]) => {
    const startedAt = performance.now();
    const socket = await open(port);
    const text = readToCut(socket);
    socket.write(bytes);
    if (trickled !== undefined) trickle(socket, trickled);
    const { headers, body } = parseReply((await text).replace('HTTP/1.1 100 Continue\r\n\r\n', ''));
    const { status, code } = JSON.parse(body) as { status: number; code: string };
    const isInTime = performance.now() - startedAt < cutWithinMs;
    return [what, status, code, headers['connection'], isInTime];
  });
  const expected = slowClients.map(([what]) => [what, 408, 'REQUEST_TIMEOUT', 'close', true]);
  expect(await Promise.all(cuts)).toEqual(expected);
  expect(model.entries.size).toBe(0);
  await expect.poll(() => app.connections.socketCount).toBe(0);
});

test('a late command is refused in the form of its dialect', async () => {
  const { port } = await openApp({ limits });
  const heads = ['POST /upstash', 'PUT /upstash/set/a', 'POST /upstash/pipeline'];
  const cuts = heads.map(async (head) => {
    const socket = await open(port);
    const text = readToCut(socket);
    socket.write(`${head} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n["set"`);
    const { status, body } = parseReply(await text);
    return [head, status, JSON.parse(body)];
  });
  const error = expect.stringMatching(/^ERR .*\(REQUEST_TIMEOUT, not-applied\)$/);
  expect(await Promise.all(cuts)).toEqual(heads.map((head) => [head, 408, { error }]));
});

/** After this time node has given up a request that has not arrived in full. */
const givenUpAfterMs = limits.requestTimeoutMs + 1500;

/**
 * Opens a connection with one request in flight, one held behind it, and part of a third. Waits
 * until node has given up the third.
 */
async function openWithPartBehind(part: string) {
  const store = new LateStore();
  const { app, port } = await openApp({ limits, store });
  const socket = await open(port);
  const text = readToCut(socket);
  const whole = `${half}Content-Length: 1\r\n\r\nv`;
  socket.write(`${whole}${whole}${part}`);
  await expect.poll(() => [store.asked, app.connections.requestCount >= 2]).toEqual([1, true]);
  const until = performance.now() + givenUpAfterMs;
  await expect.poll(() => performance.now(), { timeout: 5000 }).toBeGreaterThan(until);
  const timer = setInterval(() => store.answer(), 1);
  onTestFinished(() => clearInterval(timer));
  const statuses = async () => parseReplies(await text).map(({ status }) => status);
  return { app, socket, statuses };
}

const partsAndRests: readonly (readonly [string, string, string])[] = [
  ['headers', half, 'Connection: close\r\nContent-Length: 4\r\n\r\nrest'],
  ['a body', `${half}Connection: close\r\nContent-Length: 8\r\n\r\nhalf`, 'rest'],
];

test('a request is not late while its connection is not read', async () => {
  const answered = partsAndRests.map(async ([what, part, rest]) => {
    const { socket, statuses } = await openWithPartBehind(part);
    socket.write(rest);
    return [what, ...(await statuses())];
  });
  expect(await Promise.all(answered)).toEqual(partsAndRests.map(([what]) => [what, 201, 204, 204]));
});

test('a request behind a pipeline is cut if it trickles', async () => {
  const answered = partsAndRests.map(async ([what, part]) => {
    const { app, socket, statuses } = await openWithPartBehind(part.replace('8', '1000'));
    const startedAt = performance.now();
    trickle(socket, 'a');
    const found = [what, ...(await statuses())];
    expect(performance.now() - startedAt).toBeLessThan(cutWithinMs);
    await expect.poll(() => app.connections.socketCount).toBe(0);
    return found;
  });
  expect(await Promise.all(answered)).toEqual(partsAndRests.map(([what]) => [what, 201, 204, 408]));
});

async function openWithLargeValue() {
  const opened = await openApp({ limits });
  const value = Buffer.alloc(32 * 1024 * 1024, 'x');
  await opened.model.submit({ op: 'put', namespace: 'default', key: 'a', value });
  return opened;
}

const getLarge = 'GET /v1/keys/a HTTP/1.1\r\nHost: localhost\r\n\r\n';

test('a client that never reads its reply is cut', async () => {
  const { app, port } = await openWithLargeValue();
  const socket = await open(port);
  onTestFinished(() => void socket.destroy());
  socket.pause().write(getLarge);
  await expect.poll(() => app.replies.bytes, { timeout: cutWithinMs }).toBe(32 * 1024 * 1024);
  await expect.poll(() => app.connections.socketCount, { timeout: cutWithinMs }).toBe(0);
  expect(app.replies.cuts).toBe(1);
  expect(app.replies.bytes).toBe(0);
});

/** The bytes that a slow reader takes without a pause. */
const blockBytes = 64 * 1024;

test('a client that reads on, if slowly, gets its reply whole', async () => {
  const { app, port } = await openWithLargeValue();
  const socket = await open(port);
  onTestFinished(() => void socket.destroy());
  socket.write(getLarge);
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    const blocks = Math.trunc(bytes / blockBytes);
    bytes += chunk.length;
    if (Math.trunc(bytes / blockBytes) === blocks) return;
    socket.pause();
    // Takes several times as long as the limit for a client that reads nothing.
    setTimeout(() => socket.resume(), 4);
  });
  await expect.poll(() => bytes, { timeout: 25_000 }).toBeGreaterThan(32 * 1024 * 1024);
  await expect.poll(() => app.replies.bytes).toBe(0);
  expect(app.replies.cuts).toBe(0);
});

test('a kept-alive connection is not cut for a reply that its client has read', async () => {
  const { app, port } = await openWithLargeValue();
  const socket = await open(port);
  onTestFinished(() => void socket.destroy());
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => (bytes += chunk.length)).write(getLarge);
  await expect.poll(() => bytes, { timeout: 25_000 }).toBeGreaterThan(32 * 1024 * 1024);
  await expect.poll(() => app.replies.bytes).toBe(0);
  const waited = performance.now() + 2 * limits.requestTimeoutMs;
  await expect.poll(() => performance.now(), { timeout: 5000 }).toBeGreaterThan(waited);
  const before = bytes;
  socket.write('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await expect.poll(() => bytes).toBeGreaterThan(before);
  expect(app.replies.cuts).toBe(0);
});
