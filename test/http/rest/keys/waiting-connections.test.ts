// Waiting requests and their connections: clients that go, requests behind a waiting one, a drain.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { drain } from '../../../../src/http/server.ts';
import { openApp } from '../../../support/http/open-app.ts';
import { parseReplies, parseReply, readToEnd } from '../../../support/http/raw-request.ts';
import { connectToPort, resetConnection } from '../../../support/http/transport.ts';
import { askWaiting, putValue, untilWaiting } from '../../../support/http/waiting-requests.ts';

const key = '/v1/keys/a';

async function openSocket(port: number, head = 'GET /v1/keys/a?wait=5m'): Promise<Socket> {
  const socket = connectToPort(port, { allowHalfOpen: true });
  await once(socket, 'connect');
  socket.write(`${head} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  return socket;
}

describe('a client that goes', () => {
  test('by a reset leaves at once', async () => {
    const opened = await openApp();
    const socket = await openSocket(opened.port);
    await untilWaiting(opened);
    resetConnection(socket);
    await untilWaiting(opened, 0);
    expect(opened.model.watchCount).toBe(0);
  });

  test('by closing leaves at once', async () => {
    const opened = await openApp();
    const socket = await openSocket(opened.port);
    await untilWaiting(opened);
    socket.destroy();
    await untilWaiting(opened, 0);
    expect(opened.model.watchCount).toBe(0);
  });

  test('by ending its side alone is answered at once', async () => {
    const opened = await openApp();
    const socket = await openSocket(opened.port);
    await untilWaiting(opened);
    const reply = readToEnd(socket);
    socket.end();
    expect(parseReply(await reply).status).toBe(404);
  });

  test('before its request is read is answered at once', async () => {
    const opened = await openApp();
    const socket = connectToPort(opened.port, { allowHalfOpen: true });
    const reply = readToEnd(socket);
    socket.end('GET /v1/keys/a?wait=5m HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(parseReply(await reply).status).toBe(404);
  });
});

describe('requests behind a waiting one', () => {
  test('on its connection are answered in order', async () => {
    const opened = await openApp();
    const socket = connectToPort(opened.port);
    const replies = readToEnd(socket);
    const end = ' HTTP/1.1\r\nHost: localhost\r\n';
    socket.write(`GET /v1/keys/a?wait=5m${end}\r\nGET /v1/keys/b${end}Connection: close\r\n\r\n`);
    await untilWaiting(opened);
    await putValue(opened, '/v1/keys/b', 'b');
    await putValue(opened, key, 'y');
    expect(parseReplies(await replies).map(({ body }) => body)).toEqual(['y', 'b']);
  });
});

describe('a drain', () => {
  test('answers all that wait at once, as if their time were over', async () => {
    const opened = await openApp();
    const held = await putValue(opened, key);
    const holding = await askWaiting(opened, key, { held });
    const missing = await askWaiting(opened, '/v1/keys/b');
    await drain(opened.app, { deadlineMs: 60_000 });
    expect([(await holding.reply).status, (await missing.reply).status]).toEqual([304, 404]);
    expect((await missing.reply).headers.get('connection')).toBe('close');
  });
});
