// More connections than the process may have open files. Open connections go on, others wait, and
// nothing crashes.
import { execFileSync } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { skipWithout } from '../support/faults/needs.ts';
import { isInFlight } from '../support/load/call.ts';
import { keysOf, Lives } from '../support/load/lives.ts';
import { Load } from '../support/load/load.ts';
import { completedCompactions, failedCompactions } from '../support/load/server-lives.ts';
import {
  makeTemporaryFolder,
  removeFolder,
  startServer,
  type ProgramProcess,
} from '../support/processes/server-process.ts';

const filesMax = 96;
const flags = ['--shards', '2', '--log-level', 'warn', '--compact-journal-bytes', '64KiB'];
const seed = Math.floor(Math.random() * 2 ** 31);

let dataDir: string;
let started: ProgramProcess[];
let sockets: Socket[];

beforeEach(async () => {
  dataDir = await makeTemporaryFolder();
  started = [];
  sockets = [];
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const program of started) await program.end();
  await removeFolder(dataDir);
});

/** Opens a connection that waits at least in the kernel's backlog, if the server does not accept it. */
function openIdle(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', resolve);
    socket.once('error', reject);
    sockets.push(socket);
  });
}

test('without a file to open, durable writes go on, compactions wait, and all recovers', async (context) => {
  skipWithout(context, 'prlimit');
  const server = await startServer(dataDir, flags);
  started.push(server.program);
  const lives = new Lives(keysOf(48));
  const { keys, order } = lives;
  const load = new Load(server.url, { seed, keys, order, clients: 8, pauseMs: 1 });
  await load.reached(50);
  execFileSync('prlimit', [
    '--pid',
    String(server.program.pid),
    `--nofile=${filesMax}:${filesMax}`,
  ]);
  const port = Number(new URL(server.url).port);
  await Promise.all(Array.from({ length: 2 * filesMax }, () => openIdle(port)));
  const before = load.acknowledged;
  await load.reached(before + 1500);
  expect(load.acknowledged).toBeGreaterThanOrEqual(before + 1500);
  const answered = load.calls
    .map(({ outcome }) => outcome)
    .filter((outcome) => !isInFlight(outcome));
  expect(answered.filter(({ kind }) => kind === 'unknown' || kind === 'not-applied')).toEqual([]);
  for (const socket of sockets) socket.destroy();
  const failed = await failedCompactions(server.url);
  const completed = await completedCompactions(server.url);
  expect(failed).toBeGreaterThan(0);
  while ((await completedCompactions(server.url)) === completed) await delay(50);
  await load.stop();
  await lives.judge(load, server.url);
  await server.program.end();
  const again = await startServer(dataDir, flags);
  started.push(again.program);
  await lives.judge({ calls: [] }, again.url);
  console.info(`failed ${failed} compactions, seed ${seed}: ${JSON.stringify(lives.counts)}`);
  expect({ seed, losses: lives.losses }).toEqual({ seed, losses: [] });
});
