// Clients send large bodies, but not to the end, and more such clients keep coming. They must never
// keep others out, and their cost in memory is bounded.
import { connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { residentMiB } from '../support/processes/process-facts.ts';
import { metric, openServer } from './server-under-test.ts';

const mebibyte = 1024 * 1024;
const valueBytes = 8 * mebibyte;
const stalledAt = Math.floor(valueBytes * 0.9);
const bodyBytesInFlightMax = 256 * mebibyte;
const clients = 64;

const putMsMax = 1000;
/** In this time stalled clients keep coming, and the server ends some of them for others. */
const watchMs = 4000;

function open(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  // The server may cut these connections.
  socket.on('error', () => undefined).resume();
  onTestFinished(() => void socket.destroy());
  return socket;
}

const most = Buffer.alloc(stalledAt, 'x');

function stall(port: number): Socket {
  const socket = open(port);
  socket.write(
    `PUT /v1/keys/stalled HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${valueBytes}\r\n\r\n`,
  );
  socket.write(most);
  return socket;
}

/** Given a stream, `fetch` sends chunks. */
function streamOf(text: string): ReadableStream {
  return new Blob([text]).stream();
}

/** @returns the longest time of any of them, in milliseconds */
async function putSmallOnes(url: string): Promise<number> {
  let longest = 0;
  const put = async (init: RequestInit & { duplex?: 'half' }) => {
    const startedAt = performance.now();
    const reply = await fetch(`${url}/v1/keys/small`, { method: 'PUT', ...init });
    expect([201, 204]).toContain(reply.status);
    longest = Math.max(longest, performance.now() - startedAt);
  };
  await put({ body: 'small' });
  await put({ body: streamOf('chunked'), duplex: 'half' });
  return longest;
}

test('small PUTs succeed while stalled uploads fill the room', { timeout: 60_000 }, async () => {
  const { url, pid, port } = await openServer(['--shards', '2']);
  await putSmallOnes(url);
  const before = residentMiB(pid);
  for (let n = 0; n < clients; n++) {
    stall(port);
    // oxlint-disable-next-line no-await-in-loop -- otherwise they would delay the measured requests
    await nextTurn();
  }
  let slowestMs = 0;
  let mostHeld = 0;
  let mostMiB = 0;
  for (const endsAt = performance.now() + watchMs; performance.now() < endsAt;) {
    stall(port);
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    slowestMs = Math.max(slowestMs, await putSmallOnes(url));
    // oxlint-disable-next-line no-await-in-loop
    mostHeld = Math.max(mostHeld, await metric(url, 'holdfast_http_body_bytes_in_flight'));
    mostMiB = Math.max(mostMiB, residentMiB(pid));
  }
  const ended = await metric(url, 'holdfast_http_bodies_ended_total');
  process.stdout.write(
    `slowest small PUT ${slowestMs.toFixed(0)} ms, ${ended} stalled ended, ` +
      `memory before ${before.toFixed(0)} MiB, at most ${mostMiB.toFixed(0)} MiB\n`,
  );
  expect(slowestMs).toBeLessThan(putMsMax);
  expect(ended).toBeGreaterThan(0);
  expect(mostHeld).toBeGreaterThan(100 * mebibyte);
  expect(mostHeld).toBeLessThanOrEqual(bodyBytesInFlightMax);
  expect(mostMiB).toBeLessThan(before + 2 * (bodyBytesInFlightMax / mebibyte));
  // A large body gets in, too, once the server has found the stalled ones.
  const large = await fetch(`${url}/v1/keys/large`, {
    method: 'PUT',
    body: Buffer.alloc(valueBytes),
  });
  expect(large.status).toBe(201);
});

test('a body in chunks of one byte costs no more than its bytes', { timeout: 60_000 }, async () => {
  const { url, pid, port } = await openServer(['--shards', '2']);
  await putSmallOnes(url);
  const before = residentMiB(pid);
  const chunks = 100_000;
  for (let n = 0; n < 8; n++) {
    const socket = open(port);
    socket.write(
      'POST /v1/batch HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    socket.write('1\r\nx\r\n'.repeat(chunks));
  }
  const held = () => metric(url, 'holdfast_http_body_bytes_in_flight');
  await expect.poll(held, { timeout: 30_000 }).toBeGreaterThanOrEqual(8 * chunks);
  expect(await held()).toBeLessThan(8 * (chunks + 16 * 1024));
  process.stdout.write(
    `memory before ${before.toFixed(0)} MiB, then ${residentMiB(pid).toFixed(0)}\n`,
  );
  // Chunks kept one by one would take 300 bytes each: 230 MiB.
  expect(residentMiB(pid)).toBeLessThan(before + 100);
});
