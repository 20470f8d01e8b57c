// Measures latency at a fixed rate, half of the capacity that a closed loop finds. Latency counts from
// the scheduled moment, so no wait is hidden. Two comparisons: GETs out of few and of many entries with
// the cache off; and a mix of 90 % GETs and 10 % PUTs without and with compactions. Rounds alternate.
// Prints medians of the rounds' p50 and p99, their ratios, and the targets.
//
//   npm run bench:latency -- --entries 10000000 --rounds 8 --seconds 3
import { parseArgs } from 'node:util';
import { wholeNumber } from '../test/support/arguments/whole-number.ts';
import { fillHoldfast, startHoldfast } from './contenders/holdfast.ts';
import { chooseLoad } from './loads/choose-load.ts';
import { requestFor } from './loads/drawn-requests.ts';
import { machineFacts } from './machine-facts.ts';
import { runScript, withBelongings, type Belongings } from './measuring/belongings.ts';
import { describePins, readPins, type CpuPins } from './measuring/cpu-pins.ts';
import { endProgress, tellProgress } from './measuring/progress.ts';
import { median } from './median.ts';
import { connectionWaitMs, quantileOf, runOpenLoop } from './open-loop.ts';
import { markdownTable } from './report/table.ts';
import { restDialect, templatesFor } from './rows/request-template.ts';
import type { Conditions, Work } from './rows/row.ts';
import { randomStream } from './workload.ts';

interface Plan {
  readonly entries: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly pins: CpuPins;
}

interface Side {
  readonly name: string;
  readonly url: string;
  readonly conditions: Conditions;
}

interface Latencies {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const few = 10_000;
const patienceMs = 5000;
const common = { draw: 'uniform', valueBytes: 100, connections: 64 } as const;

async function startSide(
  [name, keys]: readonly [string, number],
  flags: readonly string[],
  plan: Plan,
  belongings: Belongings,
): Promise<Side> {
  tellProgress(`${name}: starts and is filled`);
  const row = { fsync: 'interval', flags } as const;
  const { url } = await startHoldfast(undefined, row, { belongings, pins: plan.pins });
  await fillHoldfast(url, 0, keys, common.valueBytes);
  return { name, url, conditions: { ...common, keys } };
}

/** One request as bytes, for the open loop. */
function bytesOf(side: Side, work: Work, seed: number, random: () => number): Buffer {
  const [first, second] = templatesFor(restDialect, work) ?? [];
  if (first === undefined) throw new Error('the work has no requests');
  const chosen = second !== undefined && random() * 100 >= first.percent ? second : first;
  const index = Math.floor(random() * side.conditions.keys);
  const { method, path, body } = requestFor(chosen.template, side.conditions, seed, index);
  const length = body === undefined ? '' : `content-length: ${Buffer.byteLength(body)}\r\n`;
  const { host } = new URL(side.url);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n${length}\r\n${body ?? ''}`);
}

async function openRound(
  side: Side,
  work: Work,
  rate: number,
  seconds: number,
  seed: number,
): Promise<Latencies> {
  const random = randomStream(seed);
  const { byStatus, unsent, unanswered } = await runOpenLoop({
    port: Number(new URL(side.url).port),
    requestsPerSecond: rate,
    seconds,
    connections: common.connections,
    patienceMs,
    request: () => bytesOf(side, work, seed, random),
  });
  const strange = [...byStatus.keys()].filter((status) => status < 200 || status > 299);
  if (strange.length > 0 || unanswered > 0) {
    const counts = `${unanswered} unanswered, statuses ${strange.join(', ')}`;
    throw new Error(`${side.name} at ${Math.round(rate)}/s: ${counts}`);
  }
  // A request that found no free connection in time would have waited longer still.
  const given = Array.from({ length: unsent }, () => connectionWaitMs);
  const all = [...[...byStatus.values()].flat(), ...given].toSorted((a, b) => a - b);
  return { p50Ms: quantileOf(all, 0.5), p99Ms: quantileOf(all, 0.99) };
}

/**
 * Half of the least capacity of the sides in a closed loop. The generator of the open loop is one thread
 * of Node, so a rate above its bound would measure the generator.
 */
async function halfOfCapacity(
  sides: readonly Side[],
  work: Work,
  plan: Plan,
  belongings: Belongings,
): Promise<number> {
  const load = await chooseLoad(belongings, plan.pins.load);
  const rates: number[] = [];
  for (const { url, conditions } of sides) {
    const templates = templatesFor(restDialect, work) ?? [];
    const round = { url, templates, conditions, seconds: 2, seed: 1 };
    await load.round(round);
    const { requests, seconds } = await load.round({ ...round, seed: 2 });
    rates.push(requests / seconds);
  }
  return Math.min(generatorMax, Math.min(...rates) / 2);
}

const generatorMax = 15_000;

async function compareSides(
  sides: readonly [Side, Side],
  work: Work,
  plan: Plan,
  belongings: Belongings,
): Promise<{ rate: number; latencies: readonly Latencies[] }> {
  const rate = await halfOfCapacity(sides, work, plan, belongings);
  const rounds: Latencies[][] = [[], []];
  // The first round warms up.
  for (let round = 0; round <= plan.rounds; round++) {
    tellProgress(`${sides[1].name}: round ${round} of ${plan.rounds}`);
    for (const [index, side] of sides.entries()) {
      const one = await openRound(side, work, rate, plan.seconds, round);
      if (round > 0) rounds[index]?.push(one);
    }
  }
  const latencies = rounds.map((own) => ({
    p50Ms: median(own.map((one) => one.p50Ms)),
    p99Ms: median(own.map((one) => one.p99Ms)),
  }));
  return { rate, latencies };
}

function linesOf(
  sides: readonly [Side, Side],
  { rate, latencies }: { rate: number; latencies: readonly Latencies[] },
  target: string,
): string[][] {
  const [first, second] = latencies;
  if (first === undefined || second === undefined) throw new Error('two sides are compared');
  const cells = ({ p50Ms, p99Ms }: Latencies) => [p50Ms.toFixed(2), p99Ms.toFixed(2)];
  const ratios = [second.p50Ms / first.p50Ms, second.p99Ms / first.p99Ms];
  const per = `${Math.round(rate)}/s`;
  return [
    [sides[0].name, per, ...cells(first), '', ''],
    [sides[1].name, per, ...cells(second), ratios.map((one) => one.toFixed(2)).join(', '), target],
  ];
}

async function compareEntries(plan: Plan, belongings: Belongings): Promise<string[][]> {
  const flags = ['--cache-bytes', '0'];
  const names = [
    [`GET, ${few} entries`, few],
    [`GET, ${plan.entries} entries`, plan.entries],
  ] as const;
  const sides: [Side, Side] = [
    await startSide(names[0], flags, plan, belongings),
    await startSide(names[1], flags, plan, belongings),
  ];
  const compared = await compareSides(sides, 'get', plan, belongings);
  return linesOf(sides, compared, 'p50 ≤ 1.2, p99 ≤ 2');
}

async function completedCompactions(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const [, count] = /^holdfast_compactions_total\{result="completed"\} (\d+)$/m.exec(text) ?? [];
  return Number(count);
}

async function compareCompaction(plan: Plan, belongings: Belongings): Promise<string[][]> {
  const keys = Math.min(plan.entries, 100_000);
  const sides: [Side, Side] = [
    await startSide(
      ['90/10, no compaction', keys],
      ['--compact-journal-bytes', '1024GiB'],
      plan,
      belongings,
    ),
    await startSide(
      ['90/10, compacting', keys],
      ['--compact-journal-bytes', '64KiB'],
      plan,
      belongings,
    ),
  ];
  const before = await completedCompactions(sides[1].url);
  const compared = await compareSides(sides, { getPercent: 90, rest: 'put' }, plan, belongings);
  const compactions = (await completedCompactions(sides[1].url)) - before;
  if (compactions === 0) throw new Error('no compaction ran: the comparison means nothing');
  return linesOf(sides, compared, `p99 ≤ 1.5; ${compactions} compactions`);
}

const limitMs = 60 * 60 * 1000;

async function run(plan: Plan, belongings: Belongings): Promise<void> {
  process.stdout.write(`${machineFacts(await belongings.folder())}\n`);
  process.stdout.write(
    `${plan.rounds} rounds of ${plan.seconds} s, ${describePins(plan.pins)}\n\n`,
  );
  const part = (work: (own: Belongings) => Promise<string[][]>) =>
    withBelongings(limitMs, work, belongings);
  const rows = [
    ...(await part((own) => compareEntries(plan, own))),
    ...(await part((own) => compareCompaction(plan, own))),
  ];
  endProgress();
  const heading = ['side', 'rate', 'p50 ms', 'p99 ms', 'ratios', 'target'];
  process.stdout.write(markdownTable([heading, ...rows]));
}

await runScript(async () => {
  const { values } = parseArgs({
    options: {
      entries: { type: 'string', default: '1000000' },
      rounds: { type: 'string', default: '8' },
      seconds: { type: 'string', default: '3' },
      pin: { type: 'string', default: 'auto' },
    },
  });
  const plan = {
    entries: wholeNumber('--entries', values.entries, 1),
    rounds: wholeNumber('--rounds', values.rounds, 1),
    seconds: wholeNumber('--seconds', values.seconds, 1),
    pins: readPins(values.pin),
  };
  await withBelongings(2 * limitMs, (belongings) => run(plan, belongings));
});
