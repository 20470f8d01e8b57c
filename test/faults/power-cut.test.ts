// Power cuts on a real file system: ext4 on an image. After the image is mounted again, only synced
// data is sure to be there.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { shardOfKey } from '../../src/store/slot.ts';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Disk, removeStaleDisks } from '../support/faults/mounted-disk.ts';
import { skipWithout } from '../support/faults/needs.ts';
import { stopInItsTracks } from '../support/processes/stopped-process.ts';
import type { Contents } from '../support/load/find-losses.ts';
import { findGaps } from '../support/load/find-gaps.ts';
import { keysOf, Lives, readContents } from '../support/load/lives.ts';
import { Load } from '../support/load/load.ts';
import { seededRandom } from '../support/random.ts';
import {
  programFile,
  ProgramProcess,
  startServer,
  urlOf,
  type ServerProcess,
} from '../support/processes/server-process.ts';

const needs = ['root', 'mkfs.ext4', 'mount', 'python3'] as const;
const shards = 2;
const flags = ['--shards', `${shards}`, '--compact-journal-bytes', '64KiB', '--log-level', 'warn'];

let seed: number;
let random: () => number;
let lives: Lives;
let disks: Disk[];
let started: ProgramProcess[];

beforeAll(removeStaleDisks);

beforeEach(() => {
  seed = Math.floor(Math.random() * 2 ** 31);
  random = seededRandom(seed);
  lives = new Lives(keysOf(48));
  disks = [];
  started = [];
});

afterEach(async () => {
  for (const program of started) await program.end();
  for (const disk of disks) disk.remove();
});

function kept(disk: Disk): Disk {
  disks.push(disk);
  return disk;
}

async function startOn(disk: Disk, more: readonly string[] = []): Promise<ServerProcess> {
  const server = await startServer(join(disk.path, 'data'), [...flags, ...more]);
  started.push(server.program);
  return server;
}

function loadOn({ url }: ServerProcess, round: number, putsOnly = false): Load {
  return new Load(url, { seed: seed + round, keys: lives.keys, order: lives.order, putsOnly });
}

/** Cuts the power: copies the disk's content of this moment to another disk. */
async function cutByCopy(disk: Disk, { program }: ServerProcess): Promise<Disk> {
  await stopInItsTracks(program.pid);
  const after = kept(disk.copyOfNow());
  await program.end();
  disk.remove();
  return after;
}

/** Cuts the power while syncs are running. */
async function cutInPlace(disk: Disk, { program }: ServerProcess): Promise<Disk> {
  await disk.cutOff();
  await program.end();
  disk.mountAgain();
  return disk;
}

test.for([
  ['between two syncs', cutByCopy],
  ['at any moment', cutInPlace],
] as const)(
  'a power cut %s loses nothing acknowledged in always, 5 times in a row',
  async ([when, cut], context) => {
    skipWithout(context, ...needs);
    const rounds = 5;
    let disk = kept(Disk.ext4('64M'));
    let server = await startOn(disk);
    for (let round = 0; round < rounds; round++) {
      const load = loadOn(server, round);
      await load.reached(1 + Math.floor(random() * 800));
      await delay(random() * 20);
      disk = await cut(disk, server);
      await load.ended;
      server = await startOn(disk);
      await lives.judge(load, server.url);
    }
    console.info(`power cut ${when}, seed ${seed}: ${JSON.stringify(lives.counts)}`);
    expect({ seed, losses: lives.losses }).toEqual({ seed, losses: [] });
    expect(lives.counts.acknowledged).toBeGreaterThan(rounds * 50);
  },
);

test.for(['interval', 'never'] as const)(
  'a power cut in %s loses the newest writes only, and no version is given twice',
  async (fsync, context) => {
    skipWithout(context, ...needs);
    const mode = ['--fsync', fsync, '--fsync-interval-ms', '50'];
    let disk = kept(Disk.ext4('64M'));
    let before: Contents = new Map();
    let versionsBefore = new Map<number, number>();
    const counts = { acknowledged: 0, lost: 0 };
    for (let round = 0; round < 4; round++) {
      const server = await startOn(disk, mode);
      const load = loadOn(server, round, true);
      await load.reached(500);
      const settled = fsync === 'interval' ? lives.order.next() : 0;
      // The pause is far longer than the interval, so all earlier acknowledged writes are synced.
      await delay(fsync === 'interval' ? 1000 : random() * 100);
      disk = await (round % 2 === 0 ? cutByCopy : cutInPlace)(disk, server);
      await load.ended;
      const again = await startOn(disk, mode);
      const after = await readContents(again.url, lives.keys);
      const { gaps, lost } = findGaps(before, load.calls, after, { shards, settled });
      before = after;
      expect({ seed, gaps }).toEqual({ seed, gaps: [] });
      expectAbove(load, versionsBefore);
      versionsBefore = highestVersions(load);
      counts.acknowledged += load.acknowledged;
      counts.lost += lost;
      await again.program.end();
    }
    console.info(`power cut in ${fsync}, seed ${seed}: ${JSON.stringify(counts)}`);
  },
);

function versionsOf(load: Load): { shard: number; version: number }[] {
  return load.calls.flatMap(({ key, outcome }) =>
    outcome.kind === 'written'
      ? [{ shard: shardOfKey(key, shards), version: outcome.version }]
      : [],
  );
}

function highestVersions(load: Load): Map<number, number> {
  const highest = new Map<number, number>();
  for (const { shard, version } of versionsOf(load)) {
    highest.set(shard, Math.max(version, highest.get(shard) ?? 0));
  }
  return highest;
}

function expectAbove(load: Load, before: ReadonlyMap<number, number>): void {
  const again = versionsOf(load).filter(
    ({ shard, version }) => version <= (before.get(shard) ?? 0),
  );
  expect({ seed, again }).toEqual({ seed, again: [] });
}

test('the same power cut loses writes if syncs do nothing', async (context) => {
  skipWithout(context, ...needs, 'eatmydata');
  let disk = kept(Disk.ext4('64M'));
  const dataDir = (): string => join(disk.path, 'data');
  const first = await startOn(disk);
  first.program.kill('SIGTERM');
  await first.program.exited;
  const args = [process.execPath, programFile, 'serve', '--port', '0', '--data-dir', dataDir()];
  const program = new ProgramProcess('eatmydata', [...args, '--log-level', 'warn']);
  started.push(program);
  const lying = { program, url: await urlOf(program) };
  const load = loadOn(lying, 0);
  await load.reached(400);
  disk = await cutByCopy(disk, lying);
  await load.ended;
  const server = await startOn(disk);
  await lives.judge(load, server.url);
  console.info(`power cut under eatmydata, seed ${seed}: ${JSON.stringify(lives.counts)}`);
  expect(lives.losses).not.toEqual([]);
});
