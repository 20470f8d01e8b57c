// Small disks that fill up under a server. A refused call has not happened, reads and deletes go
// on, and writes come back by themselves.
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Disk, removeStaleDisks } from '../support/faults/mounted-disk.ts';
import { skipWithout } from '../support/faults/needs.ts';
import type { Call } from '../support/load/call.ts';
import { carryOut, type Caller } from '../support/load/carry-out.ts';
import { HttpConnection } from '../support/load/http-connection.ts';
import { keysOf, Lives, readContents } from '../support/load/lives.ts';
import { Load } from '../support/load/load.ts';
import { completedCompactions, failedCompactions } from '../support/load/server-lives.ts';
import {
  startServer,
  type ProgramProcess,
  type ServerProcess,
} from '../support/processes/server-process.ts';

const needs = ['root', 'mount', 'mkfs.ext4'] as const;
const compactJournalBytes = 256 * 1024;
const compactFlags = ['--compact-journal-bytes', String(compactJournalBytes)];
const flags = ['--shards', '2', '--log-level', 'warn', ...compactFlags];
/** Writes must come back within this time once there is room. */
const backWithinMs = 5000;
const seed = Math.floor(Math.random() * 2 ** 31);
/** Values have 8 KiB on average, so the keys need more space than the disks have. */
const keys = keysOf(1200);

let started: ProgramProcess[];
let disks: Disk[];
let connections: HttpConnection[];

beforeAll(removeStaleDisks);

beforeEach(() => {
  started = [];
  disks = [];
  connections = [];
});

afterEach(async () => {
  for (const connection of connections) connection.close();
  for (const program of started) await program.end();
  for (const disk of disks) disk.remove();
});

async function startOn(disk: Disk): Promise<ServerProcess> {
  if (!disks.includes(disk)) disks.push(disk);
  const server = await startServer(join(disk.path, 'data'), flags);
  started.push(server.program);
  return server;
}

function callerOf({ url }: ServerProcess, { order }: Lives, record: Call[]): Caller {
  const connection = new HttpConnection(url);
  connections.push(connection);
  return { client: 1000, connection, order, record };
}

/** Runs load until the server has refused so many calls for lack of room. */
async function fill({ url }: ServerProcess, { order }: Lives): Promise<Load> {
  const load = new Load(url, { seed, keys, order, valueBytesMax: 16_384, clients: 8 });
  const failed = load.ended.catch(() => undefined);
  while (load.count('not-applied') < 100) await Promise.race([delay(50), failed]);
  await load.stop();
  return load;
}

function codesOf(calls: readonly Call[], kind: 'not-applied' | 'unknown'): string[] {
  const codes = calls.flatMap(({ outcome }) => (outcome.kind === kind ? [outcome.code] : []));
  return [...new Set(codes)];
}

/** @returns the milliseconds until a put of this size succeeds */
async function untilPut(caller: Caller, key: string, bytes: number): Promise<number> {
  const from = performance.now();
  for (let tried = 0; ; tried++) {
    const value = `again-${tried}-${'x'.repeat(bytes)}`;
    const { calls } = await carryOut(caller, [{ op: 'put', key, value }]);
    if (calls[0]?.outcome.kind === 'written') return performance.now() - from;
    if (performance.now() - from > 20_000) throw new Error('writes did not come back in 20 s');
    await delay(50);
  }
}

describe.each([
  ['a tmpfs of 4 MiB', () => Disk.tmpfs('4m')],
  ['an ext4 disk of 8 MiB', () => Disk.ext4('8M')],
])('%s', (_, makeDisk) => {
  test('refuses puts with 507, reads and deletes go on, and deleting brings puts back', async (context) => {
    skipWithout(context, ...needs);
    const disk = makeDisk();
    const server = await startOn(disk);
    const lives = new Lives(keys);
    const load = await fill(server, lives);
    expect(codesOf(load.calls, 'not-applied')).toEqual(['DISK_FULL']);
    expect(load.count('unknown')).toBe(0);
    await lives.judge(load, server.url);
    const there = [...(await readContents(server.url, keys))].filter(([, content]) => content);
    const record: Call[] = [];
    const caller = callerOf(server, lives, record);
    for (const [key] of there) await carryOut(caller, [{ op: 'delete', key }]);
    expect(record.filter(({ outcome }) => outcome.kind !== 'deleted')).toEqual([]);
    const backMs = await untilPut(caller, 'key-0', 8192);
    expect(backMs).toBeLessThan(backWithinMs);
    await lives.judge({ calls: record }, server.url);
    const more = new Load(server.url, { seed: seed + 1, keys, order: lives.order });
    await more.reached(300);
    await more.stop();
    await lives.judge(more, server.url);
    await server.program.end();
    const again = await startOn(disk);
    await lives.judge({ calls: [] }, again.url);
    console.info(
      `deleted ${there.length}, back after ${Math.round(backMs)} ms: ${JSON.stringify(lives.counts)}`,
    );
    expect({ seed, losses: lives.losses }).toEqual({ seed, losses: [] });
  });

  test('lets a killed server start again while it is full, with all acknowledged writes', async (context) => {
    skipWithout(context, ...needs);
    const disk = makeDisk();
    const server = await startOn(disk);
    const lives = new Lives(keys);
    const load = await fill(server, lives);
    await fillUp(join(disk.path, 'ballast'));
    await server.program.end();
    const again = await startOn(disk);
    await lives.judge(load, again.url);
    expect({ seed, losses: lives.losses }).toEqual({ seed, losses: [] });
    const record: Call[] = [];
    const caller = callerOf(again, lives, record);
    const [there] = [...(await readContents(again.url, keys))].find(([, content]) => content) ?? [];
    await carryOut(caller, [{ op: 'delete', key: there ?? '' }]);
    expect(record.map(({ outcome }) => outcome.kind)).toEqual(['deleted']);
    await again.program.end();
    const third = await startOn(disk);
    await lives.judge({ calls: record }, third.url);
    expect({ seed, losses: lives.losses }).toEqual({ seed, losses: [] });
  });

  test('takes writes again by itself when others make room', async (context) => {
    skipWithout(context, ...needs);
    const disk = makeDisk();
    const server = await startOn(disk);
    const lives = new Lives(keys);
    await writeFile(join(disk.path, 'ballast'), Buffer.alloc(2 * 1024 * 1024));
    const load = await fill(server, lives);
    const record: Call[] = [];
    const caller = callerOf(server, lives, record);
    await rm(join(disk.path, 'ballast'));
    const backMs = await untilPut(caller, 'key-0', 8192);
    await lives.judge({ calls: [...load.calls, ...record] }, server.url);
    console.info(`back after ${Math.round(backMs)} ms`);
    expect(backMs).toBeLessThan(backWithinMs);
    expect({ seed, losses: lives.losses }).toEqual({ seed, losses: [] });
  });

  test('makes a compaction fail without harm, and it is tried again', async (context) => {
    skipWithout(context, ...needs);
    const disk = makeDisk();
    const server = await startOn(disk);
    const lives = new Lives(keys);
    const load = new Load(server.url, { seed, keys, order: lives.order, valueBytesMax: 8192 });
    // A compaction that ends just before the disk is full leaves nothing for another one.
    for (let attempt = 1; (await failedCompactions(server.url)) === 0; attempt++) {
      await rm(join(disk.path, 'ballast'), { force: true });
      await load.reached(60 * attempt);
      // Leaves room for the journals, but for no snapshot.
      await fillUp(join(disk.path, 'ballast'));
      for (let look = 0; look < 100; look++) {
        if ((await failedCompactions(server.url)) > 0) break;
        await delay(20);
      }
    }
    await load.stop();
    await lives.judge(load, server.url);
    await rm(join(disk.path, 'ballast'));
    // The server may have made it already, since it tries once a second. If the one that failed was to
    // make room, more must be written before another one is due.
    const more = new Load(server.url, {
      seed: seed + 1,
      keys,
      order: lives.order,
      valueBytesMax: 8192,
    });
    for (let writes = 60; (await completedCompactions(server.url)) === 0; writes += 60) {
      await more.reached(writes);
    }
    await more.stop();
    await lives.judge(more, server.url);
    await server.program.end();
    const again = await startOn(disk);
    await lives.judge({ calls: [] }, again.url);
    expect({ seed, losses: lives.losses }).toEqual({ seed, losses: [] });
  });
});

/** Fills the disk to the last byte. */
async function fillUp(path: string): Promise<void> {
  for (let bytes = 1024 * 1024; bytes >= 512; bytes /= 2) {
    for (;;) {
      try {
        await writeFile(path, Buffer.alloc(bytes), { flag: 'a' });
      } catch {
        break;
      }
    }
  }
}
