// Measures a row: starts its sides, fills them, and lets short rounds of load alternate between them.
import type { Contender } from '../contenders/contender.ts';
import type { Load, RoundPlan } from '../loads/load.ts';
import { operationsIn, type Row } from '../rows/row.ts';
import type { Belongings } from './belongings.ts';
import { checkAfter, countWritten } from './check-values.ts';
import { cpuMicrosecondsOf } from './cpu-time.ts';
import type { CpuPins } from './cpu-pins.ts';
import { planSides, startSide, type Side } from './side.ts';

export interface RoundsPlan {
  readonly rounds: number;
  readonly seconds: number;
  /** 0: rounds that count look into replies themselves, so they are slower. */
  readonly warmSeconds: number;
}

export interface RoundResult {
  readonly operationsPerSecond: number;
  /** Of all processes of the contender, microseconds an operation. */
  readonly cpuMicroseconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface SideResult {
  readonly name: string;
  readonly versions: string;
  readonly settings: string;
  readonly load: string;
  readonly rounds: readonly RoundResult[];
}

export interface RowResult {
  readonly row: Row;
  readonly sides: readonly SideResult[];
}

export interface RowRun {
  readonly row: Row;
  /** The first one is the one that others are compared with. */
  readonly contenders: readonly Contender[];
  readonly plan: RoundsPlan;
  readonly pins: CpuPins;
  readonly load: Load;
  readonly tell: (text: string) => void;
}

/** Beside its rounds a side starts, is filled and is checked. */
const besideRoundsSeconds = 300;
/** A load takes some time to start and to end. */
const besideRoundSeconds = 5;

/** A row that takes longer has failed. */
export function limitMsOf(row: Row, contenders: readonly Contender[], plan: RoundsPlan): number {
  const eachRound = plan.seconds + plan.warmSeconds + besideRoundSeconds;
  const eachSide = plan.rounds * eachRound + besideRoundsSeconds;
  return planSides(row, contenders).length * eachSide * 1000;
}

async function runRound(
  side: Side,
  operationsEach: number,
  { seconds, seed, checksReplies }: Required<Pick<RoundPlan, 'seconds' | 'seed' | 'checksReplies'>>,
): Promise<RoundResult & { readonly operations: number }> {
  const { running, templates, row } = side;
  const cpuBefore = cpuMicrosecondsOf(running.pids);
  const figures = await side.load.round({
    url: running.url,
    templates,
    conditions: row,
    seconds,
    seed,
    checksReplies,
    ...(running.token !== undefined && { token: running.token }),
  });
  const cpu = cpuMicrosecondsOf(running.pids) - cpuBefore;
  const operations = figures.requests * operationsEach;
  return {
    operations,
    operationsPerSecond: operations / figures.seconds,
    cpuMicroseconds: cpu / operations,
    p50Ms: figures.p50Ms,
    p99Ms: figures.p99Ms,
  };
}

/** @returns the rounds of each side, in order */
async function alternate(
  sides: readonly Side[],
  { row, plan, tell }: RowRun,
): Promise<{ rounds: RoundResult[]; operations: number }[]> {
  const measured = sides.map(() => ({ rounds: [] as RoundResult[], operations: 0 }));
  const operationsEach = operationsIn(row.work);
  for (let round = 1; round <= plan.rounds; round++) {
    tell(`${row.name}: round ${round} of ${plan.rounds}`);
    const inOrder = [...sides.entries()];
    // No side is always the one that comes after the same other.
    for (const [index, side] of round % 2 === 0 ? inOrder.toReversed() : inOrder) {
      const one = measured[index];
      if (one === undefined) continue;
      const { seconds, warmSeconds } = plan;
      // Compiling code and filling caches must not count, nor the time to look into replies.
      if (warmSeconds > 0) {
        const warmPlan = { seconds: warmSeconds, seed: 2 * round - 1, checksReplies: true };
        one.operations += (await runRound(side, operationsEach, warmPlan)).operations;
      }
      const countedPlan = { seconds, seed: 2 * round, checksReplies: warmSeconds === 0 };
      const { operations, ...result } = await runRound(side, operationsEach, countedPlan);
      one.operations += operations;
      one.rounds.push(result);
    }
  }
  return measured;
}

/** @throws Error if a reply or a value was wrong */
export async function measureRow(run: RowRun, belongings: Belongings): Promise<RowResult> {
  const { row, contenders, pins, load, tell } = run;
  const sides: Side[] = [];
  for (const planned of planSides(row, contenders)) {
    tell(`${row.name}: ${planned.name} starts and is filled`);
    const side = await startSide(planned, { belongings, pins }, load);
    if (side.running.fill !== undefined && row.work !== 'incr') await countWritten(side);
    sides.push(side);
  }
  const measured = await alternate(sides, run);
  const results: SideResult[] = [];
  for (const [index, side] of sides.entries()) {
    const { rounds = [], operations = 0 } = measured[index] ?? {};
    await checkAfter(side, operations);
    results.push({
      name: side.name,
      versions: side.contender.versions(),
      settings: side.running.settings,
      load: side.load.name,
      rounds,
    });
  }
  return { row, sides: results };
}
