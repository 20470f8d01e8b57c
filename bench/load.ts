// `node load.js URL KIND SECONDS SEED`: one round of load, in a process of its own. So it takes no
// time from a server's event loop. Closed loop: 64 connections, fewer for long pipelines, with one
// request at a time each. Prints the figures as one line of JSON. Fails if any reply is not a 2xx,
// or if a command of a pipeline fails.
import autocannon from 'autocannon';
import type { LoadFigures } from './load-round.ts';
import {
  connectionsFor,
  drawRequest,
  operationsOf,
  randomStream,
  type BenchRequest,
  type LoadKind,
} from './workload.ts';

/** Number of requests that a connection prepares in advance and repeats: making them costs time. */
function requestsPerConnection(kind: LoadKind): number {
  return Math.max(4, Math.min(500, 2000 / operationsOf(kind)));
}

/** A pipeline's status is 200 even if its commands fail, so this looks into the body. */
function isCarriedOut(body: string | Buffer | undefined): boolean {
  return !(body ?? '').includes('{"error"');
}

/** With the token of the environment, if there is one. */
function withToken(request: BenchRequest): BenchRequest {
  const token = process.env['LOAD_TOKEN'];
  if (token === undefined) return request;
  return { ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } };
}

async function applyLoad(url: string, kind: LoadKind, seconds: number, seed: number) {
  const random = randomStream(seed);
  const cpuBefore = process.cpuUsage();
  const result = await autocannon({
    url,
    connections: connectionsFor(kind),
    pipelining: 1,
    duration: seconds,
    setupClient: (client) => {
      const length = requestsPerConnection(kind);
      client.setRequests(Array.from({ length }, () => withToken(drawRequest(kind, random))));
    },
    ...(typeof kind === 'object' && { verifyBody: isCarriedOut }),
  });
  const { user, system } = process.cpuUsage(cpuBefore);
  const { non2xx, errors, timeouts, mismatches } = result;
  if (non2xx + errors + timeouts + mismatches > 0) {
    const what = `${non2xx} replies not 2xx, ${mismatches} with errors in them`;
    throw new Error(`${JSON.stringify(kind)}: ${what}, ${errors} errors, ${timeouts} timeouts`);
  }
  return {
    requestsPerSecond: result['2xx'] / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    clientCpu: (user + system) / 1e6 / result.duration,
  } satisfies LoadFigures;
}

const [url = '', kind = '', seconds = '', seed = ''] = process.argv.slice(2);
const figures = await applyLoad(url, JSON.parse(kind), Number(seconds), Number(seed));
process.stdout.write(`${JSON.stringify(figures)}\n`);
