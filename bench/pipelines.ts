// Measures the cost of a command in a pipeline: requests and commands a second of Holdfast, under
// /upstash/pipeline. The settings are the defaults (fsync always). Pipelines have 1 to 1,000 commands,
// all SETs of 100-byte values or all GETs. There are 64 connections, but 6,400 commands at once at
// most: the server would refuse some of a larger number. Keys are drawn evenly from 10,000.
// The load generator shares the machine.
//
//   npm run bench:pipelines -- --rounds 5 --seconds 4
import { parseArgs } from 'node:util';
import { wholeNumber } from '../test/support/arguments/whole-number.ts';
import {
  makeTemporaryFolder,
  removeFolder,
  startServer,
} from '../test/support/processes/server-process.ts';
import { cellsOf, loadRound, medianRate, type LoadFigures, type Plan } from './load-round.ts';
import { machineFacts } from './machine-facts.ts';
import { send } from './send.ts';
import {
  connectionsFor,
  fillRequests,
  keyCount,
  pipelineCommands,
  type PipelineKind,
} from './workload.ts';

const lengths = [1, 10, 100, 1000] as const;

async function measure(url: string, kind: PipelineKind, { rounds, seconds }: Plan) {
  // Warm up: compiling code and filling caches must not count.
  await loadRound(url, kind, 1, 0);
  const measured: LoadFigures[] = [];
  for (let round = 1; round <= rounds; round++) {
    measured.push(await loadRound(url, kind, seconds, round));
  }
  return measured;
}

function rowOf(kind: PipelineKind, measured: readonly LoadFigures[]): string {
  const { command, length } = kind;
  const rate = medianRate(measured);
  const cells = [
    command.toUpperCase().padEnd(4),
    String(length).padStart(6),
    String(connectionsFor(kind)).padStart(7),
    Math.round(rate).toString().padStart(11),
    Math.round(rate * length)
      .toString()
      .padStart(11),
    ...cellsOf(measured),
  ];
  return `${cells.join(' ')}\n`;
}

const heading =
  'what length clients  requests/s  commands/s  p50 ms  p99 ms  client  r/s, min-max\n';

async function run(plan: Plan): Promise<void> {
  const folder = await makeTemporaryFolder();
  process.stdout.write(`${machineFacts(folder)}\n${plan.rounds} x ${plan.seconds} s\n\n${heading}`);
  const { program, url } = await startServer(folder);
  try {
    await send(url, fillRequests(0, keyCount, 1000));
    for (const command of pipelineCommands) {
      for (const length of lengths) {
        const kind = { command, length };
        process.stdout.write(rowOf(kind, await measure(url, kind, plan)));
      }
    }
  } finally {
    await program.end();
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
