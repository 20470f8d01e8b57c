import type { FastifyInstance } from 'fastify';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { drain } from '../../src/http/server.ts';
import { openApp } from '../support/http/open-app.ts';
import { parseReplies, parseReply, readToEnd } from '../support/http/raw-request.ts';
import { connectToPort } from '../support/http/transport.ts';
import { LateStore } from '../support/stores/late-store.ts';

/** Far longer than any of these may take. */
const deadlineMs = 60_000;

async function open(port: number, bytes: string): Promise<Socket> {
  const socket = connectToPort(port);
  await once(socket, 'connect');
  socket.write(bytes);
  return socket;
}

function put(key: string): string {
  return `PUT /v1/keys/${key} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nv`;
}

test('a request in flight is answered, however late, and told that the connection ends', async () => {
  const store = new LateStore();
  const { app, port } = await openApp({ store });
  const reply = readToEnd(await open(port, put('a')));
  await expect.poll(() => store.asked).toBe(1);
  const drained = drain(app, { deadlineMs });
  await expect.poll(() => app.server.listening).toBe(false);
  store.answer();
  const { status, headers } = parseReply(await reply);
  expect(status).toBe(201);
  expect(headers['connection']).toBe('close');
  await drained;
});

test('requests that are held behind one in flight are neither carried out nor answered', async () => {
  const store = new LateStore();
  const { app, port } = await openApp({ store });
  const text = readToEnd(await open(port, put('a') + put('b') + put('c')));
  await expect.poll(() => [store.asked, app.connections.requestCount]).toEqual([1, 3]);
  const drained = drain(app, { deadlineMs });
  await expect.poll(() => app.server.listening).toBe(false);
  store.answer();
  expect(parseReplies(await text)).toMatchObject([
    { status: 201, headers: { connection: 'close' } },
  ]);
  await drained;
  expect([store.entries.size, store.asked]).toEqual([1, 0]);
});

test('new connections are refused', async () => {
  const store = new LateStore();
  const { app, port, url } = await openApp({ store });
  const reply = readToEnd(await open(port, 'GET /v1/keys/a HTTP/1.1\r\nHost: localhost\r\n\r\n'));
  await expect.poll(() => store.asked).toBe(1);
  const drained = drain(app, { deadlineMs });
  await expect.poll(() => app.server.listening).toBe(false);
  await expect(fetch(`${url}/livez`)).rejects.toThrow('fetch failed');
  store.answer();
  expect(parseReply(await reply).status).toBe(404);
  await drained;
});

async function secondsToDrain(app: FastifyInstance): Promise<number> {
  const startedAt = performance.now();
  await drain(app, { deadlineMs });
  return (performance.now() - startedAt) / 1000;
}

test('an idle kept-alive connection does not hold the server up', async () => {
  const { app, port } = await openApp();
  const socket = await open(port, 'GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(socket, 'data');
  expect(await secondsToDrain(app)).toBeLessThan(5);
  await expect.poll(() => app.connections.socketCount).toBe(0);
});

test.each([
  ['a connection that never said anything', ''],
  ['half a request line', 'GET /liv'],
  ['half the headers', 'GET /livez HTTP/1.1\r\nHost: localhost\r\n'],
  ['half a body', 'PUT /v1/keys/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf'],
  [
    'half a chunked body',
    'PUT /v1/keys/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha',
  ],
])('%s does not hold the server up', async (_, bytes) => {
  const { app, port, model } = await openApp();
  await open(port, bytes);
  await expect.poll(() => app.connections.socketCount).toBe(1);
  expect(await secondsToDrain(app)).toBeLessThan(5);
  await expect.poll(() => app.connections.socketCount).toBe(0);
  expect(model.entries.size).toBe(0);
});

test('a request that is in flight at the deadline is cut', async () => {
  const store = new LateStore();
  const { app, port } = await openApp({ store });
  const reply = readToEnd(await open(port, 'GET /v1/keys/a HTTP/1.1\r\nHost: localhost\r\n\r\n'));
  await expect.poll(() => store.asked).toBe(1);
  await drain(app, { deadlineMs: 50 });
  expect(await reply).toBe('');
  await expect.poll(() => app.connections.requestCount).toBe(0);
});

test('a large reply on its way is delivered whole', async () => {
  const { app, port, model } = await openApp();
  const value = Buffer.alloc(8 * 1024 * 1024, 'x');
  await model.submit({ op: 'put', namespace: 'default', key: 'a', value });
  const socket = await open(port, 'GET /v1/keys/a HTTP/1.1\r\nHost: localhost\r\n\r\n');
  socket.pause();
  await expect.poll(() => socket.readableLength).toBeGreaterThan(0);
  const drained = drain(app, { deadlineMs });
  const reply = readToEnd(socket);
  socket.resume();
  const { body } = parseReply(await reply);
  expect(body.length).toBe(value.length);
  await drained;
});
