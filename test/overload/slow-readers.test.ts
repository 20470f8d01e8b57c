// Clients ask for large values and never read them. Their cost is bounded in memory and time, and
// they do not affect other clients.
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { residentMiB } from '../support/processes/process-facts.ts';
import { metric, openServer } from './server-under-test.ts';

const valueBytes = 8 * 1024 * 1024;
const values = 24;
const readers = 100;

/** 24 values of 8 MiB: each reply takes memory of its own. */
async function fill(url: string): Promise<void> {
  const body = Buffer.alloc(valueBytes, 'x');
  for (let index = 0; index < values; index++) {
    // oxlint-disable-next-line no-await-in-loop -- the memory for one at a time
    const reply = await fetch(`${url}/v1/keys/large-${index}`, { method: 'PUT', body });
    expect(reply.status).toBe(201);
  }
}

function openReader(port: number, first: number): Socket {
  const socket = connect(port, '127.0.0.1').pause();
  // The server is supposed to cut these connections.
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  for (let next = 0; next < 4; next++) {
    const key = `large-${(first + next * 7) % values}`;
    socket.write(`GET /v1/keys/${key} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  }
  return socket;
}

test('a hundred clients that never read do not fill the memory', { timeout: 90_000 }, async () => {
  const flags = ['--shards', '2', '--headers-timeout-ms', '1000', '--request-timeout-ms', '2000'];
  const { url, pid, port } = await openServer(flags);
  await fill(url);
  const before = residentMiB(pid);
  for (let first = 0; first < readers; first++) openReader(port, first);
  const inFlight = () => metric(url, 'holdfast_http_reply_bytes_in_flight');
  await expect.poll(inFlight, { timeout: 20_000 }).toBeGreaterThan(200 * 1024 * 1024);
  let most = 0;
  // The clients ask 100 times for 8 MiB, four times over: 3,200 MiB if nothing were bounded.
  while ((await inFlight()) > 0) {
    most = Math.max(most, residentMiB(pid));
    // oxlint-disable-next-line no-await-in-loop -- one request at a time
    const small = await fetch(`${url}/livez`);
    expect(small.status).toBe(200);
  }
  process.stdout.write(`memory before ${before.toFixed(0)} MiB, at most ${most.toFixed(0)} MiB\n`);
  expect(most).toBeLessThan(before + 1000);
  expect(await metric(url, 'holdfast_http_connections_cut_total')).toBeGreaterThan(0);
  const value = await fetch(`${url}/v1/keys/large-0`);
  expect((await value.arrayBuffer()).byteLength).toBe(valueBytes);
});
