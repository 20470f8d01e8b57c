// Compares the whole server with a real Redis 7.0. Sends random commands over HTTP, in pipelines, in
// transactions and alone, on keys of several shards. Compares every reply. src/commands/DIALECT.md
// lists the intended differences. Needs Debian's package redis-server, which .ci/run installs.
import { afterAll, beforeAll, describe, test } from 'vitest';
import { redisFlags, valueBytesMax } from '../support/peers/differential.ts';
import { commandsMin, expectNoMismatch } from '../support/peers/find-mismatch.ts';
import { randomSentRound } from '../support/peers/random-sent-commands.ts';
import { RedisProcess, redisVersion } from '../support/peers/redis-process.ts';
import type { RespClient } from '../support/peers/resp-client.ts';
import { serveStore, type ServedStore } from '../support/peers/served-store.ts';
import { ServerDifferential, showSent } from '../support/peers/server-differential.ts';

const version = redisVersion();
if (version === undefined) console.info('left out: there is no redis-server on the PATH');

describe.skipIf(version === undefined)('over HTTP, beside redis-server', () => {
  let redis: RedisProcess;
  let client: RespClient;
  let served: ServedStore;

  beforeAll(async () => {
    redis = await RedisProcess.start(redisFlags);
    client = await redis.connect();
    served = await serveStore(valueBytesMax);
  });

  afterAll(async () => {
    await served?.stop();
    client?.close();
    await redis?.stop();
  });

  test(`${commandsMin} random commands are answered alike`, async () => {
    const { run } = new ServerDifferential(served.client, client);
    await expectNoMismatch({ draw: randomSentRound, run, show: showSent });
  }, 600_000);
});
