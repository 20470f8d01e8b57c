// `npm run bench:fair -- [SECONDS]`: a polite client in one namespace, beside others that ask for as much
// as they can in another one. First no other client asks, then 64 connections that wait for their replies,
// then a flood at twice the capacity, on a schedule. Prints the latencies of the polite client. Fails if
// its p99 is above three times that of an idle server, and above 20 ms.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import {
  makeTemporaryFolder,
  removeFolder,
  startServer,
} from '../test/support/processes/server-process.ts';
import { latenciesOf, type Latencies } from './latencies.ts';
import { runOpenLoop, type OpenLoopFigures } from './open-loop.ts';
import type { PoliteReply } from './polite-client.ts';

const [secondsText = '10'] = process.argv.slice(2);
const seconds = Number(secondsText);
const closedConnections = 64;
const floodConnections = 512;
const timesCapacity = 2;
/** More than any server answers: a request is sent as soon as a connection is free. */
const asManyAsPossible = 100_000;
const timesIdle = 3;
const enoughMs = 20;
const pauseMs = 5;
const distinctRequests = 5000;

interface Phase {
  readonly polite: Latencies;
  readonly politeRefused: number;
  readonly noise: OpenLoopFigures | undefined;
}

function requestOf(number: number): Buffer {
  const body = 'x'.repeat(100);
  const head = `PUT /ns/noisy/v1/keys/k${number % distinctRequests} HTTP/1.1\r\nHost: localhost\r\n`;
  return Buffer.from(`${head}Content-Length: ${body.length}\r\n\r\n${body}`, 'latin1');
}

const requests = Array.from({ length: distinctRequests }, (_, number) => requestOf(number));

function noise(
  url: string,
  requestsPerSecond: number,
  connections: number,
): Promise<OpenLoopFigures> {
  return runOpenLoop({
    port: Number(new URL(url).port),
    requestsPerSecond,
    seconds,
    connections,
    patienceMs: 15_000,
    request: (number) => requests[number % distinctRequests] ?? Buffer.alloc(0),
  });
}

/** Asks politely for as long as the noise lasts. */
async function phase(
  url: string,
  noisy: () => Promise<OpenLoopFigures | undefined>,
): Promise<Phase> {
  const workerData = { url: `${url}/ns/polite/v1/keys/polite`, pauseMs };
  const client = new Worker(new URL('polite-worker.js', import.meta.url), { workerData });
  const answered = once(client, 'message') as Promise<[PoliteReply[]]>;
  const figures = await noisy();
  // oxlint-disable-next-line require-post-message-target-origin -- a thread, and no window
  client.postMessage('stop');
  const [replies] = await answered;
  const accepted = replies.filter(({ status = 0 }) => status > 0 && status < 300);
  const latencies = accepted.map(({ latencyMs }) => latencyMs).toSorted((a, b) => a - b);
  const politeRefused = replies.length - accepted.length;
  return { polite: latenciesOf(latencies), politeRefused, noise: figures };
}

function countOf(
  figures: OpenLoopFigures | undefined,
  wanted: (status: number) => boolean,
): number {
  let count = 0;
  for (const [status, latencies] of figures?.byStatus ?? []) {
    if (wanted(status)) count += latencies.length;
  }
  return count;
}

function print(name: string, { polite, politeRefused, noise: figures }: Phase): void {
  const { count, p50Ms, p99Ms, maxMs } = polite;
  const times = [p50Ms, p99Ms, maxMs].map((ms) => ms.toFixed(1)).join(', ');
  const accepted = Math.round(countOf(figures, (status) => status < 300) / seconds);
  const refused = Math.round(countOf(figures, (status) => status === 503) / seconds);
  process.stdout.write(
    `${name}: polite ${count}, p50, p99 and worst ${times} ms, ${politeRefused} refused; ` +
      `others ${accepted} a second, ${refused} refused\n`,
  );
}

const folder = await makeTemporaryFolder();
const { program, url } = await startServer(folder);
try {
  for (const name of ['noisy', 'polite']) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await fetch(`${url}/v1/admin/namespaces/${name}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
  }
  await noise(url, asManyAsPossible, closedConnections);
  const idle = await phase(url, async () => {
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    return undefined;
  });
  print('no other client', idle);
  const closed = await phase(url, () => noise(url, asManyAsPossible, closedConnections));
  print(`${closedConnections} connections that wait for their replies`, closed);
  const most = await noise(url, asManyAsPossible, floodConnections);
  const capacity = countOf(most, (status) => status < 300) / seconds;
  const offered = Math.round(timesCapacity * capacity);
  const flood = await phase(url, () => noise(url, offered, 2 * floodConnections));
  print(`a flood of ${offered} requests a second`, flood);
  const boundMs = Math.max(timesIdle * idle.polite.p99Ms, enoughMs);
  process.stdout.write(`the p99 of the polite client may be ${boundMs.toFixed(1)} ms\n`);
  const isFair = [closed, flood].every(({ polite, politeRefused }) => {
    return polite.p99Ms <= boundMs && politeRefused === 0;
  });
  if (!isFair) process.exitCode = 1;
} finally {
  await program.end();
  await removeFolder(folder);
}
