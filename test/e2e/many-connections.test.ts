// With default limits, 2,000 idle connections and 64 busy ones get through.
import { connect, type Socket } from 'node:net';
import { Client } from 'undici';
import { expect, onTestFinished, test } from 'vitest';
import {
  makeTemporaryFolder,
  removeFolder,
  startServer,
} from '../support/processes/server-process.ts';

const idleConnections = 2000;
const busyConnections = 64;
const requestsEach = 40;

function openIdle(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.once('error', reject);
  });
}

/**
 * Sends one request at a time.
 *
 * @returns the statuses of the replies
 */
async function keepBusy(url: string, connection: number): Promise<number[]> {
  const client = new Client(url);
  const statuses: number[] = [];
  for (let request = 0; request < requestsEach; request++) {
    const path = `/v1/keys/busy-${connection}-${Math.floor(request / 2) % 10}`;
    const method = request % 2 === 0 ? 'PUT' : 'GET';
    const body = method === 'PUT' ? 'x'.repeat(100) : null;
    const reply = await client.request({ method, path, body });
    await reply.body.dump();
    statuses.push(reply.statusCode);
  }
  await client.close();
  return statuses;
}

test('2,000 idle connections and 64 busy ones are all served with the default limits', async () => {
  const folder = await makeTemporaryFolder();
  onTestFinished(() => removeFolder(folder));
  const { program, url } = await startServer(folder);
  onTestFinished(() => program.end());
  const port = Number(new URL(url).port);
  const idle = await Promise.all(Array.from({ length: idleConnections }, () => openIdle(port)));
  const busy = Array.from({ length: busyConnections }, (_, index) => keepBusy(url, index));
  const statuses = (await Promise.all(busy)).flat();
  expect(statuses).toHaveLength(busyConnections * requestsEach);
  expect(statuses.filter((status) => status >= 300)).toEqual([]);
  expect(idle.filter((socket) => !socket.destroyed)).toHaveLength(idleConnections);
  for (const socket of idle) socket.destroy();
});
