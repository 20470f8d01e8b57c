// Measures the time from the start of a process after a kill until the first 200 of /readyz. The store
// has a million entries of 100 bytes: (a) in journals only, and (b) in snapshots, after a compaction.
// The files are in the operating system's cache, as after a crash of the process. A cold disk adds the
// time to read them.
//
//   npm run bench:recovery -- --entries 1000000 --rounds 3
import { parseArgs } from 'node:util';
import { wholeNumber } from '../test/support/arguments/whole-number.ts';
import { setTimeout as delay } from 'node:timers/promises';
import {
  makeTemporaryFolder,
  type ProgramProcess,
  removeFolder,
  startServer,
} from '../test/support/processes/server-process.ts';
import { machineFacts } from './machine-facts.ts';
import { median } from './median.ts';
import { send } from './send.ts';
import { fillRequests } from './workload.ts';

const neverCompact = ['--compact-journal-bytes', '1024GiB'];
const compactSoon = ['--compact-journal-bytes', '64KiB'];
const requestEntries = 5000;
const compactionDeadlineMs = 120_000;

/**
 * Starts a process, and kills it once it is ready.
 *
 * @returns the milliseconds until it was ready
 */
async function measureStart(folder: string): Promise<number> {
  const begun = performance.now();
  const { program, url } = await startServer(folder, neverCompact);
  const reply = await fetch(`${url}/readyz`);
  const tookMs = performance.now() - begun;
  await program.end();
  if (reply.status !== 200) throw new Error(`/readyz answered ${reply.status}`);
  return tookMs;
}

async function report(what: string, folder: string, rounds: number): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push(await measureStart(folder));
  const all = times.map((time) => (time / 1000).toFixed(2)).join(', ');
  process.stdout.write(`${what.padEnd(14)} ${(median(times) / 1000).toFixed(2)} s  (${all})\n`);
}

async function fill(folder: string, entries: number): Promise<void> {
  const { program, url } = await startServer(folder, neverCompact);
  // Makes the requests piece by piece: all at once would take hundreds of megabytes.
  for (let from = 0; from < entries; from += 100_000) {
    await send(url, fillRequests(from, Math.min(from + 100_000, entries), requestEntries));
  }
  await program.end();
}

async function compactionsOf(url: string): Promise<{ completed: number; running: number }> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const read = (name: string) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.slice(name.length),
    );
  return {
    completed: read('holdfast_compactions_total{result="completed"}'),
    running: read('holdfast_compactions_running'),
  };
}

async function shardCountOf(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return text.split('\n').filter((line) => line.startsWith('holdfast_shard_entries{')).length;
}

/** Writes a little at a time until every shard has been compacted once. */
async function compact(folder: string): Promise<void> {
  const { program, url } = await startServer(folder, compactSoon);
  const shards = await shardCountOf(url);
  await waitForCompactions(program, url, shards);
  await program.end();
}

async function waitForCompactions(program: ProgramProcess, url: string, shards: number) {
  const deadline = performance.now() + compactionDeadlineMs;
  while (performance.now() < deadline) {
    const { completed, running } = await compactionsOf(url);
    if (completed >= shards && running === 0) return;
    await send(url, fillRequests(0, 100, 100));
    await delay(100);
  }
  await program.end();
  throw new Error('the shards were not compacted in time');
}

async function run(entries: number, rounds: number): Promise<void> {
  const folder = await makeTemporaryFolder();
  try {
    process.stdout.write(`${machineFacts(folder)}\n${entries} entries\n\n`);
    await fill(folder, entries);
    await report('journals only', folder, rounds);
    await compact(folder);
    await report('snapshots', folder, rounds);
  } finally {
    await removeFolder(folder);
  }
}

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '3' },
  },
});
await run(wholeNumber('--entries', values.entries, 1), wholeNumber('--rounds', values.rounds, 1));
