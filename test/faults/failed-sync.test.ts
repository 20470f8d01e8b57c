// Disks that fail under a server: one failed sync, syncs that keep failing, a disk that is gone.
// Only the shard on the failing disk stops. It never serves a write in doubt and then loses it. It
// goes on by itself.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { journalName } from '../../src/storage/file-names.ts';
import { shardOfKey } from '../../src/store/slot.ts';
import { Disk, removeStaleDisks } from '../support/faults/mounted-disk.ts';
import { skipWithout } from '../support/faults/needs.ts';
import { InjectedFault } from '../support/faults/strace.ts';
import { HttpConnection, type HttpReply } from '../support/load/http-connection.ts';
import { keysOf, Lives } from '../support/load/lives.ts';
import { Load } from '../support/load/load.ts';
import {
  makeTemporaryFolder,
  removeFolder,
  startServer,
  type ProgramProcess,
  type ServerProcess,
} from '../support/processes/server-process.ts';

const shards = 2;
const seed = Math.floor(Math.random() * 2 ** 31);
const keys = keysOf(24);
const keysOfShard = (shard: number): string[] =>
  keys.filter((key) => shardOfKey(key, shards) === shard);
/** A key of the first shard that the load does not use. */
const probe = 'probe-2';
/** A shard must go on within this time once its disk works. */
const backWithinMs = 10_000;

let dataDir: string;
let started: ProgramProcess[];
let faults: InjectedFault[];
let disks: Disk[];
let connections: HttpConnection[];

beforeAll(removeStaleDisks);

beforeEach(async () => {
  dataDir = await makeTemporaryFolder();
  started = [];
  faults = [];
  disks = [];
  connections = [];
});

afterEach(async () => {
  for (const connection of connections) connection.close();
  for (const fault of faults) await fault.lift();
  for (const program of started) await program.end();
  for (const disk of disks) disk.remove();
  await removeFolder(dataDir);
});

async function start(folder: string, flags: readonly string[] = []): Promise<ServerProcess> {
  const server = await startServer(folder, ['--shards', `${shards}`, ...flags]);
  started.push(server.program);
  return server;
}

/** Makes syncs of the first shard's journals fail. */
async function failSyncs({ program }: ServerProcess, when = ''): Promise<InjectedFault> {
  const home = join(dataDir, 'layout-000001', 'shard-0000');
  const journals = Array.from({ length: 40 }, (_, number) => join(home, journalName(number)));
  const fault = await InjectedFault.into(program.pid, {
    paths: journals,
    calls: 'fdatasync',
    fault: `error=EIO${when}`,
  });
  faults.push(fault);
  return fault;
}

function connectTo({ url }: ServerProcess): HttpConnection {
  const connection = new HttpConnection(url);
  connections.push(connection);
  return connection;
}

function put(connection: HttpConnection, key: string, body: string): Promise<HttpReply> {
  return connection.send({ method: 'PUT', path: `/v1/keys/${key}`, body });
}

async function readiness(connection: HttpConnection): Promise<{ status: number; text: string }> {
  const { status, body } = await connection.send({ method: 'GET', path: '/readyz' });
  return { status, text: body };
}

/** @returns the milliseconds until the first shard takes a write */
async function untilWritten(connection: HttpConnection): Promise<number> {
  const from = performance.now();
  while ((await put(connection, probe, 'again')).status >= 300) await delay(50);
  return performance.now() - from;
}

test('a sync that fails once leaves its batch unknown, and the shard goes on by itself', async (context) => {
  skipWithout(context, 'strace');
  const server = await start(dataDir);
  const connection = connectTo(server);
  const [key = ''] = keysOfShard(0);
  const [beside = ''] = keysOfShard(1);
  expect((await put(connection, key, 'before')).status).toBe(201);
  const fault = await failSyncs(server, ':when=1');
  const failed = await put(connection, key, 'in doubt');
  expect(failed.status).toBe(503);
  expect(JSON.parse(failed.body)).toMatchObject({ outcome: 'unknown', code: 'SHARD_UNAVAILABLE' });
  expect((await put(connection, beside, 'beside')).status).toBe(201);
  const backMs = await untilWritten(connection);
  expect(backMs).toBeLessThan(backWithinMs);
  await fault.lift();
  expect((await readiness(connection)).status).toBe(200);
  console.info(`back after ${Math.round(backMs)} ms`);
});

test('while syncs fail the shard says so and serves no write in doubt; then it goes on', async (context) => {
  skipWithout(context, 'strace');
  const server = await start(dataDir);
  const connection = connectTo(server);
  const [key = ''] = keysOfShard(0);
  await put(connection, key, 'before');
  const fault = await failSyncs(server);
  expect((await put(connection, key, 'in doubt')).status).toBe(503);
  const seen = new Set<string>();
  for (let tried = 0; tried < 30; tried++) {
    const { status, body } = await connection.send({ method: 'GET', path: `/v1/keys/${key}` });
    seen.add(status === 200 ? body : String(status));
    expect((await put(connection, key, 'refused')).status).toBe(503);
    await delay(100);
  }
  expect([...seen].filter((each) => each !== 'before' && each !== '503')).toEqual([]);
  const { status, text } = await readiness(connection);
  expect(status).toBe(503);
  expect(text).toMatch(/"shard":0,"state":"suspended","reason":"[^"]*(sync|journal)/);
  expect(text).toMatch(/"shard":1,"state":"serving"/);
  await fault.lift();
  const backMs = await untilWritten(connection);
  expect(backMs).toBeLessThan(backWithinMs);
  console.info(`back after ${Math.round(backMs)} ms`);
});

test.for(['always', 'interval', 'never'] as const)(
  'in %s, syncs that fail under load lose nothing acknowledged, then and after SIGKILL',
  async (fsync, context) => {
    skipWithout(context, 'strace');
    const flags = ['--fsync', fsync, '--fsync-interval-ms', '50'];
    flags.push('--compact-journal-bytes', '64KiB');
    const server = await start(dataDir, flags);
    const lives = new Lives(keys);
    const load = new Load(server.url, { seed, keys, order: lives.order, clients: 16, pauseMs: 2 });
    const connection = connectTo(server);
    for (let round = 0; round < 3; round++) {
      await load.reached(load.acknowledged + 200);
      const fault = await failSyncs(server);
      // In `never`, the next sync is that of a compaction.
      while ((await readiness(connection)).status === 200) await delay(10);
      await fault.lift();
      await untilWritten(connection);
    }
    await load.stop();
    await lives.judge(load, server.url);
    await server.program.end();
    const again = await start(dataDir, flags);
    await lives.judge({ calls: [] }, again.url);
    console.info(`failing syncs in ${fsync}, seed ${seed}: ${JSON.stringify(lives.counts)}`);
    expect({ seed, losses: lives.losses }).toEqual({ seed, losses: [] });
    expect(load.count('unknown') + load.count('not-applied')).toBeGreaterThan(0);
  },
);

test('a lost disk does not crash the server, /readyz says why, and acknowledged writes are there', async (context) => {
  skipWithout(context, 'root', 'mkfs.ext4', 'mount', 'python3');
  const disk = Disk.ext4('64M');
  disks.push(disk);
  const folder = join(disk.path, 'data');
  const server = await start(folder);
  const lives = new Lives(keys);
  const load = new Load(server.url, { seed, keys, order: lives.order, clients: 8, pauseMs: 2 });
  await load.reached(300);
  await disk.cutOff();
  const connection = connectTo(server);
  while ((await readiness(connection)).status === 200) await delay(20);
  await load.stop();
  const { text } = await readiness(connection);
  expect(text).toMatch(/"shard":\d,"state":"suspended","reason":"[^"]+"/);
  expect((await connection.send({ method: 'GET', path: '/livez' })).status).toBe(200);
  const refused = await put(connection, probe, 'refused');
  expect(refused.status).toBe(503);
  expect(JSON.parse(refused.body)).toMatchObject({ outcome: 'not-applied' });
  expect(server.program.child.exitCode).toBeNull();
  await server.program.end();
  disk.mountAgain();
  const again = await start(folder);
  await lives.judge(load, again.url);
  expect({ seed, losses: lives.losses }).toEqual({ seed, losses: [] });
});
