// One round of load, as a process of its own so that the load costs the servers no event loop:
// `node load.js URL KIND SECONDS SEED`. Closed loop, 64 connections (fewer for long pipelines), one
// request at a time on each. Prints the figures as one line of JSON; fails when any reply is not a
// 2xx, or a command of a pipeline was not carried out.
import autocannon from 'autocannon';
import type { LoadFigures } from './load-round.ts';
import {
  connectionsFor,
  drawRequest,
  operationsOf,
  randomStream,
  type LoadKind,
} from './workload.ts';

/** Built once a connection and sent round and round, so that building costs the client nothing. */
function requestsPerConnection(kind: LoadKind): number {
  return Math.max(4, Math.min(500, 2000 / operationsOf(kind)));
}

/** A pipeline is a 200 whatever becomes of its commands. */
function isCarriedOut(body: string | Buffer | undefined): boolean {
  return !(body ?? '').includes('{"error"');
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
      client.setRequests(Array.from({ length }, () => drawRequest(kind, random)));
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
