// Latency at a fixed rate, half of the capacity that a closed loop finds. Latency counts from the
// scheduled moment, so no wait is hidden. Two comparisons: GETs out of few and of many entries;
// and a mix of 90 % GETs and 10 % PUTs without and with compactions. Rounds alternate. The
// figures are medians of the rounds' p50 and p99, and their ratios.
import { fillHoldfast, startHoldfast } from '../contenders/holdfast.ts';
import { requestFor } from '../loads/drawn-requests.ts';
import { requestText } from '../loads/request-texts.ts';
import { median } from '../median.ts';
import { connectionWaitMs, quantileOf, runOpenLoop } from '../open-loop.ts';
import { restDialect, templatesFor } from '../rows/request-template.ts';
import type { Conditions, Work } from '../rows/row.ts';
import { randomStream } from '../workload.ts';
import { entriesThatFit } from './entries-that-fit.ts';
import { fillLimitMs, type Figure, type Part, type PartPlan, type PartRun } from './figure.ts';
import { readMetrics } from './metrics.ts';

interface Side {
  readonly name: string;
  readonly url: string;
  readonly conditions: Conditions;
}

/** Work at the sides around each of their rounds. */
interface AroundRounds {
  readonly before?: (side: Side) => Promise<void>;
  readonly after?: (side: Side) => Promise<void>;
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
  run: PartRun,
): Promise<Side> {
  run.tell(`${name}: starts and is filled`);
  const { url } = await startHoldfast(undefined, { fsync: 'interval', flags }, run);
  await fillHoldfast(url, 0, keys, common.valueBytes);
  return { name, url, conditions: { ...common, keys } };
}

/** One request as bytes, for the open loop. */
function bytesOf(side: Side, work: Work, seed: number, random: () => number): Buffer {
  const [first, second] = templatesFor(restDialect, work) ?? [];
  if (first === undefined) throw new Error('the work has no requests');
  const chosen = second !== undefined && random() * 100 >= first.percent ? second : first;
  const index = Math.floor(random() * side.conditions.keys);
  const request = requestFor(chosen.template, side.conditions, seed, index);
  return Buffer.from(requestText(request, new URL(side.url).host, undefined));
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
  { load }: PartRun,
): Promise<number> {
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

const mediansOf = (rounds: readonly Latencies[]): Latencies => ({
  p50Ms: median(rounds.map((one) => one.p50Ms)),
  p99Ms: median(rounds.map((one) => one.p99Ms)),
});

async function compareSides(
  sides: readonly [Side, Side],
  work: Work,
  run: PartRun,
  { before, after }: AroundRounds = {},
): Promise<{ rate: number; latencies: readonly [Latencies, Latencies] }> {
  const rate = await halfOfCapacity(sides, work, run);
  const rounds: [Latencies[], Latencies[]] = [[], []];
  // The first round warms up.
  for (let round = 0; round <= run.rounds; round++) {
    run.tell(`${sides[1].name}: round ${round} of ${run.rounds}`);
    for (const [index, side] of sides.entries()) {
      await before?.(side);
      const one = await openRound(side, work, rate, run.seconds, round);
      await after?.(side);
      if (round > 0) rounds[index]?.push(one);
    }
  }
  const [first, second] = rounds;
  return { rate, latencies: [mediansOf(first), mediansOf(second)] };
}

/**
 * Latencies end where a request is given up. So one of a side that was overloaded is a lower bound alone.
 *
 * @param most the target of the ratio
 * @returns the ratio of the second to the first; undefined if it is not known which side of the target it is
 */
export function latencyRatio(
  firstMs: number,
  secondMs: number,
  most: number = Infinity,
): number | undefined {
  const ratio = secondMs / firstMs;
  if (firstMs >= connectionWaitMs) return undefined;
  return secondMs < connectionWaitMs || ratio > most ? ratio : undefined;
}

/** @param targets of the ratios of the second side to the first */
function figuresOf(
  sides: readonly [Side, Side],
  { rate, latencies: [first, second] }: Awaited<ReturnType<typeof compareSides>>,
  targets: { readonly p50?: number; readonly p99: number },
): Figure[] {
  const sideFigures = ({ name }: Side, { p50Ms, p99Ms }: Latencies): Figure[] => [
    { name: `${name}: p50`, value: p50Ms, unit: 'ms', digits: 2 },
    { name: `${name}: p99`, value: p99Ms, unit: 'ms', digits: 2 },
  ];
  const ratio = (which: 'p50' | 'p99', most: number | undefined): Figure => {
    const value = latencyRatio(first[`${which}Ms`], second[`${which}Ms`], most);
    return {
      name: `${sides[1].name}: times the ${which} of the other`,
      value,
      unit: '',
      digits: 2,
      ...(most !== undefined && { target: { side: 'most', value: most } }),
      ...(value === undefined && { note: 'the servers were overloaded' }),
    };
  };
  return [
    {
      name: `${sides[1].name}: rate`,
      value: rate,
      unit: '/s',
      note: rate < generatorMax ? 'half of capacity' : 'as much as the generator makes',
    },
    ...sideFigures(sides[0], first),
    ...sideFigures(sides[1], second),
    ratio('p50', targets.p50),
    ratio('p99', targets.p99),
  ];
}

const grouped = (count: number): string => count.toLocaleString('en-US');

function limitMs(entries: number, { rounds, seconds }: PartPlan): number {
  const eachRound = seconds * 1000 + patienceMs + 1000;
  return 2 * fillLimitMs(entries) + 60_000 + 2 * (rounds + 1) * eachRound;
}

export const latencyOfEntries: Part = {
  name: 'latency-entries',
  limitMs: (plan) => limitMs(plan.manyEntries, plan),
  measure: async (run) => {
    const many = entriesThatFit(run.manyEntries);
    const sides: [Side, Side] = [
      await startSide([`GET of ${grouped(few)} entries`, few], [], run),
      await startSide([`GET of ${grouped(many)} entries`, many], [], run),
    ];
    const compared = await compareSides(sides, 'get', run);
    const figures = figuresOf(sides, compared, { p50: 1.2, p99: 2 });
    if (many === run.manyEntries) return figures;
    const note = `the memory is too small for ${grouped(run.manyEntries)}`;
    return [{ name: 'entries', value: many, unit: '', note }, ...figures];
  },
};

const withJournals = (bytes: string): string[] => ['--compact-journal-bytes', bytes];

const rewrittenAtOnce = 20_000;

/** Puts the entries again: until a compaction runs, or each of them once. */
async function rewrite({ url, conditions }: Side, isToCompact: boolean): Promise<void> {
  const { keys, valueBytes } = conditions;
  const most = isToCompact ? Infinity : keys;
  for (let from = 0; from < most; from += rewrittenAtOnce) {
    // oxlint-disable-next-line no-await-in-loop -- a compaction may begin after each part
    if (isToCompact && (await readMetrics(url)).compactionsRunning > 0) return;
    const begin = from % keys;
    await fillHoldfast(url, begin, Math.min(keys, begin + rewrittenAtOnce), valueBytes);
  }
}

export const latencyOfCompaction: Part = {
  name: 'latency-compaction',
  // Each side is written once more before each round.
  limitMs: (plan) =>
    limitMs(plan.entries, plan) + 2 * (plan.rounds + 1) * fillLimitMs(plan.entries),
  measure: async (run) => {
    const sides: [Side, Side] = [
      await startSide(['90/10 without compaction', run.entries], withJournals('1024GiB'), run),
      await startSide(['90/10 while compacting', run.entries], withJournals('64KiB'), run),
    ];
    const [, compacting] = sides;
    let [rounds, whole] = [0, 0];
    const compared = await compareSides(sides, { getPercent: 90, rest: 'put' }, run, {
      before: (side) => rewrite(side, side === compacting),
      after: async (side) => {
        if (side !== compacting) return;
        rounds += 1;
        whole += (await readMetrics(side.url)).compactionsRunning;
      },
    });
    if (whole === 0) throw new Error('no compaction ran for a whole round: nothing is known');
    const figures = figuresOf(sides, compared, { p99: 1.5 });
    const note = `of ${rounds}, the first one included`;
    return [
      ...figures,
      { name: 'rounds with a compaction to their end', value: whole, unit: '', note },
    ];
  },
};
