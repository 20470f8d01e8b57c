// Runs a real server under load on one data folder, again and again. Starts it, reads the contents,
// applies load, and ends it. Judges each run by the contents of the next one. Knows no test runner.
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../random.ts';
import { startServer, type ServerProcess } from '../processes/server-process.ts';
import { keysOf, Lives } from './lives.ts';
import { Load } from './load.ts';

export interface ServerLivesOptions {
  readonly dataDir: string;
  readonly seed: number;
  readonly cycles: number;
  readonly fsync: 'always' | 'interval' | 'never';
  /** Called before each start but the first. */
  readonly beforeStart?: (flags: readonly string[], random: () => number) => Promise<void>;
  /** Ends a server that is under load. */
  readonly end: (server: ServerProcess, random: () => number) => Promise<void>;
  readonly onCycle?: (lives: Lives) => void;
}

const acknowledgedMax = 500;
/** Past this, a loaded server is taken not to compact at all. */
const compactionMsMax = 30_000;
/** Small journals, so that compactions run all the time. */
const flagsForAll = ['--shards', '2', '--compact-journal-bytes', '64KiB'];
const flagsForTests = ['--fsync-interval-ms', '50', '--log-level', 'info'];

export interface ServerLivesReport {
  readonly lives: Lives;
  /** The number of finished compactions of all runs. */
  readonly compactions: number;
}

export async function runServerLives(options: ServerLivesOptions): Promise<ServerLivesReport> {
  const { dataDir, seed, cycles, fsync, onCycle } = options;
  const random = seededRandom(seed);
  const lives = new Lives(keysOf(48));
  const flags = ['--fsync', fsync, ...flagsForAll, ...flagsForTests];
  let compacted = 0;
  let load: Load | undefined;
  for (let cycle = 0; ; cycle++) {
    if (cycle > 0) await options.beforeStart?.(flags, random);
    const server = await startServer(dataDir, flags);
    try {
      if (load !== undefined) await lives.judge(load, server.url);
      onCycle?.(lives);
      if (cycle === cycles) return { lives, compactions: compacted };
      const { keys, order } = lives;
      load = new Load(server.url, { seed: seed + cycle, keys, order });
      await load.reached(1 + Math.floor(random() * acknowledgedMax));
      const isLast = cycle === cycles - 1;
      compacted += await compactionsOf(server.url, isLast && compacted === 0);
      await options.end(server, random);
    } finally {
      await server.program.end();
    }
    await load.ended;
  }
}

/** @param mustWait true: the load goes on until one has ended, as few writes make none due */
async function compactionsOf(url: string, mustWait: boolean): Promise<number> {
  const until = performance.now() + (mustWait ? compactionMsMax : 0);
  let count = await completedCompactions(url);
  while (count === 0 && performance.now() < until) {
    await delay(20);
    count = await completedCompactions(url);
  }
  return count;
}

export function completedCompactions(url: string): Promise<number> {
  return compactions(url, 'completed');
}

export function failedCompactions(url: string): Promise<number> {
  return compactions(url, 'failed');
}

async function compactions(url: string, result: 'completed' | 'failed'): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const line = new RegExp(`^holdfast_compactions_total\\{result="${result}"\\} (\\d+)$`, 'm');
  return Number(line.exec(metrics)?.[1]);
}
