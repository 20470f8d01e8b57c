// One round of load, as a process of its own so that the load costs the servers no event loop:
// `node load.js URL KIND SECONDS SEED`. Closed loop, 64 connections, one request at a time on each.
// Prints the figures as one line of JSON; fails when any reply is not a 2xx.
import autocannon from 'autocannon';
import { type BenchRequest, drawRequest, randomStream, type WorkloadKind } from './workload.ts';

export interface LoadFigures {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Share of one core that this load generator itself used. */
  readonly clientCpu: number;
}

/** Built once a connection and sent round and round, so that building costs the client nothing. */
const requestsPerConnection: Readonly<Record<WorkloadKind, number>> = {
  get: 500,
  put: 500,
  batch: 20,
};

async function applyLoad(url: string, kind: WorkloadKind, seconds: number, seed: number) {
  const random = randomStream(seed);
  const cpuBefore = process.cpuUsage();
  const result = await autocannon({
    url,
    connections: 64,
    pipelining: 1,
    duration: seconds,
    setupClient: (client) => {
      const length = requestsPerConnection[kind];
      client.setRequests(Array.from({ length }, (): BenchRequest => drawRequest(kind, random)));
    },
  });
  const { user, system } = process.cpuUsage(cpuBefore);
  if (result.non2xx > 0 || result.errors > 0 || result.timeouts > 0) {
    const { non2xx, errors, timeouts } = result;
    throw new Error(`${kind}: ${non2xx} replies not 2xx, ${errors} errors, ${timeouts} timeouts`);
  }
  return {
    requestsPerSecond: result['2xx'] / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    clientCpu: (user + system) / 1e6 / result.duration,
  } satisfies LoadFigures;
}

const [url = '', kind = '', seconds = '', seed = ''] = process.argv.slice(2);
const figures = await applyLoad(url, kind as WorkloadKind, Number(seconds), Number(seed));
process.stdout.write(`${JSON.stringify(figures)}\n`);
