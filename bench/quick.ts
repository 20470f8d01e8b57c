// Measures the cost of durability and sharding over HTTP. The figures are requests a second of
// Holdfast, and their ratio to bare fastify with the same routes and replies. The settings are the
// defaults (fsync always). The kinds are GET and PUT of 100-byte values, and batches of 100 puts, over
// 64 connections. Keys are drawn evenly from 10,000. Both servers run all the time, rounds of load alternate between them, and medians count. The
// load generator shares the machine in both cases.
//
//   npm run bench:quick -- --rounds 5 --seconds 4
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { wholeNumber } from '../test/support/arguments/whole-number.ts';
import {
  makeTemporaryFolder,
  ProgramProcess,
  removeFolder,
  startServer,
  urlOf,
} from '../test/support/processes/server-process.ts';
import { cellsOf, loadRound, medianRate, type LoadFigures, type Plan } from './load-round.ts';
import { machineFacts } from './machine-facts.ts';
import { recordReplies, type RecordedReplies } from './recorded-reply.ts';
import { send } from './send.ts';
import { fillRequests, keyCount, type WorkloadKind, workloadKinds } from './workload.ts';

interface Measured {
  readonly bare: LoadFigures[];
  readonly holdfast: LoadFigures[];
}

function startBare(replies: RecordedReplies): ProgramProcess {
  const env = { BARE_REPLIES: JSON.stringify(replies) };
  const program = join(import.meta.dirname, 'bare-server.js');
  return new ProgramProcess(process.execPath, [program], { env });
}

async function measure(
  kind: WorkloadKind,
  urls: { bare: string; holdfast: string },
  { rounds, seconds }: Plan,
): Promise<Measured> {
  // Warm up: compiling code and filling caches must not count.
  await loadRound(urls.bare, kind, 1, 0);
  await loadRound(urls.holdfast, kind, 1, 0);
  const measured: Measured = { bare: [], holdfast: [] };
  for (let round = 1; round <= rounds; round++) {
    measured.bare.push(await loadRound(urls.bare, kind, seconds, round));
    measured.holdfast.push(await loadRound(urls.holdfast, kind, seconds, round));
  }
  return measured;
}

function rowOf(kind: WorkloadKind, { bare, holdfast }: Measured): string {
  const rates = { bare: medianRate(bare), holdfast: medianRate(holdfast) };
  const cells = [
    kind.padEnd(6),
    Math.round(rates.bare).toString().padStart(9),
    Math.round(rates.holdfast).toString().padStart(9),
    (rates.holdfast / rates.bare).toFixed(2).padStart(6),
    ...cellsOf(holdfast),
  ];
  return `${cells.join(' ')}\n`;
}

const heading = 'what    bare r/s  ours r/s  ratio  p50 ms  p99 ms  client  ours, min-max\n';

async function run(plan: Plan): Promise<void> {
  const folder = await makeTemporaryFolder();
  process.stdout.write(`${machineFacts(folder)}\n${plan.rounds} x ${plan.seconds} s\n\n${heading}`);
  const holdfast = await startServer(folder);
  try {
    await send(holdfast.url, fillRequests(0, keyCount, 1000));
    const bare = startBare(await recordReplies(holdfast.url));
    try {
      const urls = { bare: await urlOf(bare), holdfast: holdfast.url };
      for (const kind of workloadKinds) {
        process.stdout.write(rowOf(kind, await measure(kind, urls, plan)));
      }
    } finally {
      await bare.end();
    }
  } finally {
    await holdfast.program.end();
    await removeFolder(folder);
  }
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
  },
});
await run({
  rounds: wholeNumber('--rounds', values.rounds, 1),
  seconds: wholeNumber('--seconds', values.seconds, 1),
});
