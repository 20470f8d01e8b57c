// Floods a server with several times its capacity, while one polite client asks for one thing at a time.
// Measures the latency of accepted requests and of the polite client, and the time until recovery.
import { readFileSync } from 'node:fs';
import { latenciesOf, type Latencies } from './latencies.ts';
import { runOpenLoop, type OpenLoopFigures } from './open-loop.ts';
import { PoliteClient, type PoliteReply } from './polite-client.ts';

export type FloodKind = 'put' | 'batch' | 'large';

export interface FloodOptions {
  readonly url: string;
  readonly pid: number;
  readonly kind: FloodKind;
  readonly timesCapacity: number;
  readonly seconds: number;
  readonly connections: number;
}

export interface FloodReport {
  /** Requests a second with 64 connections that wait for their replies. */
  readonly capacity: number;
  readonly offered: number;
  readonly accepted: Latencies;
  readonly refused: Latencies;
  /** Requests answered by neither 2xx nor 503. */
  readonly strange: number;
  readonly unanswered: number;
  readonly unsent: number;
  readonly politeAccepted: Latencies;
  readonly politeRefused: Latencies;
  readonly politeFailed: number;
  readonly recoveryMs: number;
  /** The peak of the server's memory so far. */
  readonly peakMiB: number;
}

const batchOperations = 500;
const largeBytes = 64 * 1024;
const distinctRequests = 500;
const calmSeconds = 2;

function bytesOf(method: string, path: string, body: string): Buffer {
  const head = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n`;
  return Buffer.from(head + body, 'latin1');
}

function requestOf(kind: FloodKind, number: number): Buffer {
  if (kind !== 'batch') {
    const bytes = kind === 'large' ? largeBytes : 100;
    return bytesOf('PUT', `/v1/keys/flood-${number}`, 'x'.repeat(bytes));
  }
  const operations = Array.from({ length: batchOperations }, (_, index) => {
    return { op: 'put', key: `flood-${number}-${index}`, value: 'x'.repeat(100) };
  });
  return bytesOf('POST', '/v1/batch', JSON.stringify({ operations }));
}

function isAccepted(status: number | undefined): boolean {
  return status !== undefined && status < 300;
}

function politeLatencies(replies: readonly PoliteReply[], wanted: (status?: number) => boolean) {
  const ofWanted = replies.filter(({ status }) => wanted(status));
  return latenciesOf(ofWanted.map(({ latencyMs }) => latencyMs).toSorted((a, b) => a - b));
}

function latenciesWhere(run: OpenLoopFigures, wanted: (status: number) => boolean): Latencies {
  const statuses = [...run.byStatus].filter(([status]) => wanted(status));
  return latenciesOf(statuses.flatMap(([, latencies]) => latencies).toSorted((a, b) => a - b));
}

function peakMiB(pid: number): number {
  const [, kibibytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kibibytes) / 1024);
}

/** Measures the time until twenty requests in a row are as quick as before the flood. */
async function recoveryMs(polite: PoliteClient, wellMs: number): Promise<number> {
  const startedAtMs = performance.now();
  for (let inARow = 0; inARow < 20;) {
    // oxlint-disable-next-line no-await-in-loop -- one request at a time
    const { status, latencyMs } = await polite.ask();
    inARow = isAccepted(status) && latencyMs <= wellMs ? inARow + 1 : 0;
    if (performance.now() - startedAtMs > 60_000) return Infinity;
  }
  return performance.now() - startedAtMs;
}

async function wellMsOf(polite: PoliteClient): Promise<number> {
  const before: number[] = [];
  // oxlint-disable-next-line no-await-in-loop -- one request at a time
  while (before.length < 50) before.push((await polite.ask()).latencyMs);
  // A request is well if it is no slower than the slowest one before the flood, give or take 50 ms.
  return 50 + Math.max(...before);
}

export async function flood(options: FloodOptions): Promise<FloodReport> {
  const { url, pid, kind, timesCapacity, seconds, connections } = options;
  const requests = Array.from({ length: distinctRequests }, (_, n) => requestOf(kind, n));
  const request = (number: number) => requests[number % distinctRequests] ?? Buffer.alloc(0);
  const target = { port: Number(new URL(url).port), request, patienceMs: 15_000 };
  const polite = new PoliteClient(`${url}/v1/keys/polite`);
  const wellMs = await wellMsOf(polite);
  // The server cannot answer so many, but so few connections never overload it: this is its capacity.
  const calm = await runOpenLoop({
    ...target,
    requestsPerSecond: 50_000,
    seconds: calmSeconds,
    connections: 64,
  });
  const capacity = latenciesWhere(calm, isAccepted).count / calmSeconds;
  const offered = Math.round(capacity * timesCapacity);
  const politeEnded = polite.askOn();
  const figures = await runOpenLoop({
    ...target,
    requestsPerSecond: offered,
    seconds,
    connections,
  });
  polite.stop();
  await politeEnded;
  const recovered = await recoveryMs(polite, wellMs);
  polite.close();
  const { replies } = polite;
  return {
    capacity: Math.round(capacity),
    offered,
    accepted: latenciesWhere(figures, isAccepted),
    refused: latenciesWhere(figures, (status) => status === 503),
    strange: latenciesWhere(figures, (status) => !isAccepted(status) && status !== 503).count,
    unanswered: figures.unanswered,
    unsent: figures.unsent,
    politeAccepted: politeLatencies(replies, isAccepted),
    politeRefused: politeLatencies(replies, (status) => status === 503),
    politeFailed: replies.filter(({ status }) => !isAccepted(status) && status !== 503).length,
    recoveryMs: recovered,
    peakMiB: peakMiB(pid),
  };
}
