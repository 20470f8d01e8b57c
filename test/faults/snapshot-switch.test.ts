// Sends SIGKILL at each system call by which a compaction changes a shard's files. The next start
// needs no operator, and has every acknowledged write.
import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { unreachable } from '../../src/base/assert.ts';
import {
  currentName,
  journalName,
  snapshotName,
  temporarySuffix,
} from '../../src/storage/file-names.ts';
import { EventOrder, type Call } from '../support/load/call.ts';
import { readStore } from '../support/load/read-store.ts';
import { openTestStore } from '../support/stores/embedded-store.ts';
import { skipWithout } from '../support/faults/needs.ts';
import { startInjected } from '../support/faults/strace.ts';
import type { Contents } from '../support/load/find-losses.ts';
import { keysOf, Lives, readContents } from '../support/load/lives.ts';
import { Load } from '../support/load/load.ts';
import { completedCompactions } from '../support/load/server-lives.ts';
import {
  makeTemporaryFolder,
  programFile,
  removeFolder,
  startServer,
  urlOf,
  type ProgramProcess,
} from '../support/processes/server-process.ts';

const keys = keysOf(24);
const shardFolder = join('layout-000001', 'shard-0000');
const seed = Math.floor(Math.random() * 2 ** 31);

/** The files that a snapshot switch changes, and the system calls that change them. */
const changes = [
  ['snapshots', ['openat', 'pwrite64', 'fdatasync', 'rename', 'unlink']],
  ['journals', ['openat', 'ftruncate', 'pwrite64', 'fdatasync', 'unlink']],
  ['current.json', ['openat', 'pwrite64', 'fdatasync', 'rename']],
  ['the folder', ['fsync']],
] as const;

type Files = (typeof changes)[number][0];

let folder: string;
let started: ProgramProcess[];

beforeEach(async () => {
  folder = await makeTemporaryFolder();
  started = [];
});

afterEach(async () => {
  for (const program of started) await program.end();
  await removeFolder(folder);
});

/** Makes a shard with a snapshot, the generation before it, and a journal that is due. */
async function prepare(dataDir: string): Promise<Prepared> {
  await live(
    dataDir,
    '64KiB',
    async () => undefined,
    async (url) => {
      // Wait during the writes: afterwards too little may be left for another compaction.
      while ((await completedCompactions(url)) < 2) await delay(10);
    },
  );
  // A kill leaves blanks at the journal's end, which the next start cuts off.
  const contents = await live(dataDir, '1GiB', (url) => readContents(url, keys));
  const generations = (await readdir(join(dataDir, shardFolder))).map((name) =>
    Number(/^journal-(\d+)/.exec(name)?.[1] ?? 0),
  );
  return { dataDir, contents, generation: Math.max(...generations) };
}

/** Starts a server and writes until that is enough. Then calls `then`, and sends SIGKILL. */
async function live<Result>(
  dataDir: string,
  compactJournalBytes: string,
  then: (url: string) => Promise<Result>,
  enough: (url: string) => Promise<void> = async () => {},
): Promise<Result> {
  const flags = ['--compact-journal-bytes', compactJournalBytes, '--log-level', 'warn'];
  const { program, url } = await startServer(dataDir, ['--shards', '1', ...flags]);
  started.push(program);
  const load = new Load(url, { seed, keys, order: new EventOrder(), clients: 4 });
  await load.reached(300);
  await enough(url);
  await load.stop();
  const result = await then(url);
  await program.end();
  return result;
}

/** The contents after a start that gets no help. */
async function contentsOf(dataDir: string): Promise<Contents> {
  const store = await openTestStore(dataDir, { shards: 1, clock: systemClock });
  try {
    return await readStore(store, keys);
  } finally {
    await store.close();
  }
}

function pathsOf(files: Files, dataDir: string, generation: number): string[] {
  const home = join(dataDir, shardFolder);
  const near = Array.from({ length: 8 }, (_, index) => Math.max(0, generation - 4) + index);
  switch (files) {
    case 'snapshots':
      return near.flatMap((each) => {
        const name = join(home, snapshotName(each));
        return [name, name + temporarySuffix];
      });
    case 'journals':
      return near.map((each) => join(home, journalName(each)));
    case 'current.json':
      return [join(home, currentName), join(home, currentName + temporarySuffix)];
    case 'the folder':
      return [home];
    default:
      return unreachable(files);
  }
}

interface Point {
  readonly files: Files;
  readonly call: string;
  /** The number of the call among those of its kind. */
  readonly number: number;
}

interface Prepared {
  readonly dataDir: string;
  readonly contents: Contents;
  readonly generation: number;
}

/** @returns false if there are fewer such calls: the compaction has ended */
async function isKilledAt(point: Point, prepared: Prepared): Promise<boolean> {
  const { files, call, number } = point;
  const dataDir = join(folder, `${files}-${call}-${number}`.replaceAll(' ', '-'));
  await cp(prepared.dataDir, dataDir, { recursive: true });
  const flags = ['--port', '0', '--compact-journal-bytes', '64KiB', '--log-level', 'warn'];
  const program = startInjected([programFile, 'serve', '--data-dir', dataDir, ...flags], {
    paths: pathsOf(files, dataDir, prepared.generation),
    calls: call,
    fault: `signal=KILL:when=${number}`,
  });
  started.push(program);
  const lives = new Lives(keys, prepared.contents);
  const { isKilled, calls } = await writeUntilSwitched(program, lives);
  await program.end();
  lives.judgeBy(await contentsOf(dataDir), calls);
  expect({ seed, point, losses: lives.losses }).toEqual({ seed, point, losses: [] });
  await removeFolder(dataDir);
  return isKilled;
}

async function writeUntilSwitched(
  program: ProgramProcess,
  { order }: Lives,
): Promise<{ isKilled: boolean; calls: readonly Call[] }> {
  const url = await urlOf(program).catch(() => undefined);
  if (url === undefined) return { isKilled: true, calls: [] };
  const load = new Load(url, { seed: seed + 1, keys, order, clients: 2, pauseMs: 10 });
  const killed = load.ended.then(() => true);
  for (;;) {
    const completed = completedCompactions(url).catch(() => NaN);
    const isKilled = await Promise.race([killed, completed.then((count) => Number.isNaN(count))]);
    if (isKilled || (await completed) > 0) {
      await program.end();
      await load.ended;
      return { isKilled, calls: load.calls };
    }
    await delay(10);
  }
}

/** Kills at each such call in turn, until a compaction ends without one. */
async function killAtEach(files: Files, call: string, prepared: Prepared): Promise<number> {
  for (let number = 1; ; number++) {
    if (!(await isKilledAt({ files, call, number }, prepared))) return number - 1;
  }
}

test(
  'killed at each call that changes a file, a shard starts again with all acknowledged writes',
  { timeout: 300_000 },
  async (context) => {
    skipWithout(context, 'strace');
    const prepared = await prepare(join(folder, 'prepared'));
    const work = changes.flatMap(([files, calls]) => calls.map((call) => [files, call] as const));
    const kills: Record<string, number> = {};
    const workThrough = async (): Promise<void> => {
      for (let next = work.shift(); next !== undefined; next = work.shift()) {
        const [files, call] = next;
        kills[`${call} of ${files}`] = await killAtEach(files, call, prepared);
      }
    };
    await Promise.all([workThrough(), workThrough()]);
    console.info(`SIGKILL in a snapshot switch, seed ${seed}: ${JSON.stringify(kills)}`);
    for (const count of Object.values(kills)) expect(count).toBeGreaterThan(0);
  },
);
