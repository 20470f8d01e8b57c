// The stock client `@upstash/redis` sends a request again if its connection breaks. Here the connection
// breaks after the server has carried the request out, and before the client gets the reply.
import { randomUUID } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Redis } from '@upstash/redis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  makeTemporaryFolder,
  removeFolder,
  startServer,
  type ServerProcess,
} from '../support/processes/server-process.ts';

let folder: string;
let server: ServerProcess;
let proxy: Server;
let proxyUrl: string;
/** Number of answers still to lose. */
let toLose = 0;
let lost = 0;

/** A proxy that cuts the connection in place of an answer, while there are answers to lose. */
function pass(client: Socket): void {
  const upstream = connect(Number(new URL(server.url).port), '127.0.0.1');
  client.pipe(upstream);
  upstream.on('data', (bytes) => {
    if (toLose === 0) {
      client.write(bytes);
      return;
    }
    toLose -= 1;
    lost += 1;
    client.resetAndDestroy();
    upstream.destroy();
  });
  for (const [one, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    one.on('error', () => other.destroy()).on('close', () => other.destroy());
  }
}

beforeAll(async () => {
  folder = await makeTemporaryFolder();
  server = await startServer(folder, ['--shards', '3']);
  proxy = createServer(pass);
  await new Promise<void>((resolve) => {
    proxy.listen(0, '127.0.0.1', resolve);
  });
  const address = proxy.address();
  if (address === null || typeof address === 'string') throw new Error('it has a port');
  proxyUrl = `http://127.0.0.1:${address.port}/upstash`;
});

afterAll(async () => {
  proxy.close();
  await server.program.end();
  await removeFolder(folder);
});

function newClient(): Redis {
  const retry = { retries: 5, backoff: () => 1 };
  return new Redis({
    url: proxyUrl,
    token: 'any',
    enableTelemetry: false,
    retry,
    keepAlive: false,
  });
}

interface Requester {
  request: (req: { readonly headers?: Record<string, string> }) => Promise<unknown>;
}

/** The code that docs/clients.md shows. */
function withSafeRetries(redis: Redis): Redis {
  const { client } = redis as unknown as { client: Requester };
  const request = client.request.bind(client);
  client.request = (req) =>
    request({ ...req, headers: { ...req.headers, 'Idempotency-Key': randomUUID() } });
  return redis;
}

test('without an Idempotency-Key a retry counts twice', async () => {
  const redis = newClient();
  toLose = 1;
  expect(await redis.incr('plain')).toBe(2);
  expect(await redis.get('plain')).toBe(2);
});

test('with an Idempotency-Key every retry gets the answer of the first attempt', async () => {
  const redis = withSafeRetries(newClient());
  const before = lost;
  for (let count = 1; count <= 10; count++) {
    toLose = count % 4;
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    expect(await redis.incr('safe')).toBe(count);
  }
  expect(lost - before).toBe(15);
  toLose = 2;
  const counts = await Promise.all(['a', 'b', 'c', 'safe'].map((key) => redis.incr(key)));
  expect(counts).toEqual([1, 1, 1, 11]);
  toLose = 2;
  const moved = await redis.multi().decrby('safe', 5).incrby('other', 5).exec();
  expect(moved).toEqual([6, 5]);
  expect(await redis.mget('safe', 'other')).toEqual([6, 5]);
});
