// Measures memory and starts: resident memory of an entry after loading and after a restart, beside
// Redis; the time until an empty folder serves; and the entries that a start reads a second after
// SIGTERM, less the time of an empty start. Values have 100 bytes. Prints the targets beside them.
//
//   npm run bench:footprint -- --entries 1000000 --rounds 3
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { programFolder } from '../src/base/program-folder.ts';
import { wholeNumber } from '../test/support/arguments/whole-number.ts';
import { residentMiB } from '../test/support/processes/process-facts.ts';
import { urlOf, type ProgramProcess } from '../test/support/processes/server-process.ts';
import { fillHoldfast } from './contenders/holdfast.ts';
import { isInstalled } from './contenders/installed.ts';
import { startRedis } from './contenders/redis.ts';
import { machineFacts } from './machine-facts.ts';
import { runScript, withBelongings, type Belongings } from './measuring/belongings.ts';
import { endProgress, tellProgress } from './measuring/progress.ts';
import { median } from './median.ts';
import { markdownTable } from './report/table.ts';

interface Plan {
  readonly entries: number;
  readonly rounds: number;
}

interface Started {
  readonly program: ProgramProcess;
  readonly url: string;
  /** From the start of the process until the first 200 of /readyz. */
  readonly startMs: number;
}

const valueBytes = 100;
const mebi = 1024 * 1024;

async function serve(dataDir: string, belongings: Belongings): Promise<Started> {
  const begun = performance.now();
  const main = join(programFolder, 'dist', 'src', 'main.js');
  const flags = ['--port', '0', '--data-dir', dataDir, '--fsync', 'interval'];
  const program = belongings.start([process.execPath, main, 'serve', ...flags]);
  const url = await urlOf(program);
  const { status } = await fetch(`${url}/readyz`);
  if (status !== 200) throw new Error(`/readyz answered ${status}`);
  return { program, url, startMs: performance.now() - begun };
}

async function stop({ program }: Started): Promise<void> {
  program.kill('SIGTERM');
  const { code } = await program.exited;
  if (code !== 0) throw new Error(`a stop ended with ${code}:\n${program.stderr}`);
}

/** @returns milliseconds, and the memory of a server without entries */
async function emptyStarts(rounds: number, belongings: Belongings) {
  const starts: number[] = [];
  const memory: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const started = await serve(join(await belongings.folder(), 'data'), belongings);
    starts.push(started.startMs);
    memory.push(residentMiB(started.program.pid));
    await stop(started);
  }
  return { startMs: median(starts), emptyMiB: median(memory) };
}

async function loadAndRestart({ entries, rounds }: Plan, belongings: Belongings) {
  const dataDir = join(await belongings.folder(), 'data');
  const first = await serve(dataDir, belongings);
  await fillHoldfast(first.url, 0, entries, valueBytes);
  const loadedMiB = residentMiB(first.program.pid);
  await stop(first);
  const starts: number[] = [];
  const memory: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const again = await serve(dataDir, belongings);
    starts.push(again.startMs);
    memory.push(residentMiB(again.program.pid));
    await stop(again);
  }
  return { loadedMiB, startMs: median(starts), restartedMiB: median(memory) };
}

/** @returns bytes of an entry; undefined if Redis is not installed */
async function redisBytes(entries: number, belongings: Belongings): Promise<number | undefined> {
  if (!isInstalled('redis-server')) return undefined;
  const pins = { load: undefined, servers: undefined };
  const redis = await startRedis({ fsync: 'interval' }, { belongings, pins });
  const emptyMiB = residentMiB(redis.pid);
  await redis.fill(0, entries, valueBytes);
  return ((residentMiB(redis.pid) - emptyMiB) * mebi) / entries;
}

async function run(plan: Plan, belongings: Belongings): Promise<void> {
  const { entries, rounds } = plan;
  process.stdout.write(`${machineFacts(await belongings.folder())}\n`);
  process.stdout.write(`${entries} entries, ${rounds} rounds, medians, fsync interval\n\n`);
  tellProgress('empty starts');
  const empty = await emptyStarts(rounds, belongings);
  tellProgress('loads, and starts with all entries');
  const full = await loadAndRestart(plan, belongings);
  tellProgress('loads Redis');
  const redis = await redisBytes(entries, belongings);
  endProgress();
  const bytesOf = (residentNow: number): number =>
    ((residentNow - empty.emptyMiB) * mebi) / entries;
  const beside = (bytes: number): string => {
    const times = redis === undefined ? 'redis-server is missing' : (bytes / redis).toFixed(2);
    return `${Math.round(bytes)} B, ${times} of Redis`;
  };
  const rate = entries / ((full.startMs - empty.startMs) / 1000);
  process.stdout.write(
    markdownTable([
      ['figure', 'target', 'reached'],
      ['start of an empty folder', '≤ 400 ms', `${Math.round(empty.startMs)} ms`],
      ['start with all entries', '', `${Math.round(full.startMs)} ms`],
      ['recovery after SIGTERM', '≥ 1,000,000/s', `${Math.round(rate).toLocaleString('en-US')}/s`],
      ['memory of an entry, loaded', '≤ 2 of Redis', beside(bytesOf(full.loadedMiB))],
      ['memory of an entry, restarted', '≤ 1.2 of Redis', beside(bytesOf(full.restartedMiB))],
      ['memory without entries', '', `${Math.round(empty.emptyMiB)} MiB`],
    ]),
  );
}

const limitMs = 60 * 60 * 1000;

await runScript(async () => {
  const { values } = parseArgs({
    options: {
      entries: { type: 'string', default: '1000000' },
      rounds: { type: 'string', default: '3' },
    },
  });
  const plan = {
    entries: wholeNumber('--entries', values.entries, 1),
    rounds: wholeNumber('--rounds', values.rounds, 1),
  };
  await withBelongings(limitMs, (belongings) => run(plan, belongings));
});
