// `npm run lane-loop -- --streams N [--seed S]`: random streams of bytes, sent to a server with the fast lane
// and to one without. `--server NAME --stream M` repeats one stream, behind those before it in its
// block. Exit code 1 at the first difference.
import { parseArgs } from 'node:util';
import { wholeNumber } from '../support/arguments/whole-number.ts';
import {
  describeDifference,
  PathRun,
  runServerNames,
  type RunServerName,
} from '../support/http/path-runs.ts';
import { newSeed } from './loop-arguments.ts';

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '1000000' },
    seed: { type: 'string' },
    server: { type: 'string' },
    stream: { type: 'string' },
  },
});
const streams = wholeNumber('--streams', values.streams, 1);
const seed = wholeNumber('--seed', values.seed ?? String(newSeed()), 0);
const nth = values.stream === undefined ? undefined : wholeNumber('--stream', values.stream, 0);
const servers = runServerNames.filter((name) => name === (values.server ?? name));
if (servers.length === 0) throw new Error(`--server is one of ${runServerNames.join(', ')}`);

/** Streams that each server gets before the next one has its turn; whole blocks. */
const turnLength = 4000;

let done = 0;
let cutShort = 0;
const startedAt = performance.now();

/** @returns false if there is a difference, which is printed */
async function run(server: RunServerName, from: number, to: number): Promise<boolean> {
  const paths = new PathRun({ server, seed, from, to });
  const found = await paths.compare();
  done += to - from;
  cutShort += paths.cutShort;
  if (found === undefined) return true;
  console.log(`DIFFERENT, seed ${seed}, ${describeDifference({ server, seed }, found)}`);
  process.exitCode = 1;
  return false;
}

async function runAll(): Promise<void> {
  const each = Math.ceil(streams / servers.length);
  for (let from = 0; from < each; from += turnLength) {
    for (const server of servers) {
      if (!(await run(server, from, Math.min(from + turnLength, each)))) return;
    }
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    console.log(`${done} streams in ${seconds} s, ${cutShort} cut short, no difference`);
  }
}

console.log(`seed ${seed}; ${nth ?? streams} streams, servers ${servers.join(', ')}`);
if (nth === undefined) await runAll();
else for (const server of servers) await run(server, nth, nth + 1);
