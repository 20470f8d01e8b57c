import { once } from 'node:events';
import type { Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { openApp } from '../../support/http/open-app.ts';
import { rawRequest } from '../../support/http/raw-request.ts';
import { connectToPort } from '../../support/http/transport.ts';

async function open(port: number): Promise<Socket> {
  const socket = connectToPort(port);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

test('a connection beyond the limit is told so, before its body is read', async () => {
  const { app, port, model } = await openApp({ limits: { connectionsMax: 2 } });
  const first = await open(port);
  await open(port);
  await expect.poll(() => app.connections.socketCount).toBe(2);
  const reply = await rawRequest(port, 'PUT', '/v1/keys/a', { body: 'v' });
  expect(reply.status).toBe(503);
  expect(reply.headers).toMatchObject({ 'retry-after': '1', connection: 'close' });
  expect(JSON.parse(reply.body)).toMatchObject({
    code: 'OVERLOADED',
    outcome: 'not-applied',
    retryable: true,
  });
  expect(model.entries.size).toBe(0);
  first.destroy();
  await expect.poll(() => app.connections.socketCount).toBe(1);
  expect((await rawRequest(port, 'PUT', '/v1/keys/a', { body: 'v' })).status).toBe(201);
});
