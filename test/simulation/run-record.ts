// What is written down of one run: its figures, its trace and their hash, and the first thing that
// was wrong. Knows nothing of what a run is made of.
import { createHash, type Hash } from 'node:crypto';

export interface SimulationFigures {
  steps: number;
  operations: number;
  starts: number;
  kills: number;
  powerCuts: number;
  threadDeaths: number;
  threadHangs: number;
  ioErrors: number;
  fullDisks: number;
  closes: number;
  backups: number;
  backupsFailed: number;
  /** Transactions that changed something, by what their clients were told. */
  transactionsCommitted: number;
  transactionsRefused: number;
  transactionsUnknown: number;
  /** Their first attempt had become stale. */
  transactionsPlannedAgain: number;
  /** Over several shards, by their outcome. */
  overShardsCommitted: number;
  overShardsAborted: number;
  /** Such transactions in flight when their process ended: before all participants had prepared… */
  endsAmongPrepares: number;
  /** …before any of them had recorded the outcome… */
  endsBeforeOutcomes: number;
  /** …before all of them had… */
  endsAmongOutcomes: number;
  /** …and before they were told to forget it. */
  endsBeforeForget: number;
  /** Threads that died while they prepared, or recorded an outcome. */
  deathsInPrepare: number;
  deathsInOutcome: number;
  committedAtStart: number;
  abortedAtStart: number;
  /** Found by a new thread, of transactions in flight. */
  keptInDoubtAtStart: number;
  /** Of a shard with a transaction in doubt, or with an outcome to remember. */
  compactionsWithInDoubt: number;
  compactionsWithOutcomes: number;
  cutsWithInDoubt: number;
  reshards: number;
  reshardsCutShort: number;
  /** Transactions that a reshard found in doubt. */
  inDoubtResharded: number;
}

export class Violation extends Error {}

export function demand(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Violation(otherwise);
}

const traceKept = 400;

export class RunRecord {
  readonly figures: SimulationFigures = {
    steps: 0,
    operations: 0,
    starts: 0,
    kills: 0,
    powerCuts: 0,
    threadDeaths: 0,
    threadHangs: 0,
    ioErrors: 0,
    fullDisks: 0,
    closes: 0,
    backups: 0,
    backupsFailed: 0,
    transactionsCommitted: 0,
    transactionsRefused: 0,
    transactionsUnknown: 0,
    transactionsPlannedAgain: 0,
    overShardsCommitted: 0,
    overShardsAborted: 0,
    endsAmongPrepares: 0,
    endsBeforeOutcomes: 0,
    endsAmongOutcomes: 0,
    endsBeforeForget: 0,
    deathsInPrepare: 0,
    deathsInOutcome: 0,
    committedAtStart: 0,
    abortedAtStart: 0,
    keptInDoubtAtStart: 0,
    compactionsWithInDoubt: 0,
    compactionsWithOutcomes: 0,
    cutsWithInDoubt: 0,
    reshards: 0,
    reshardsCutShort: 0,
    inDoubtResharded: 0,
  };
  readonly #hash: Hash = createHash('sha256');
  readonly #trace: string[] = [];
  #violation: string | undefined;

  /** The first; undefined where nothing was wrong. */
  get violation(): string | undefined {
    return this.#violation;
  }

  /** The last things that happened. */
  get trace(): readonly string[] {
    return this.#trace;
  }

  note(line: string): void {
    this.#hash.update(line);
    this.#trace.push(line);
    if (this.#trace.length > 2 * traceKept) this.#trace.splice(0, traceKept);
  }

  /** For what is found where nothing can be thrown; the next step ends the run. */
  fail(violation: string): void {
    this.note(`VIOLATION ${violation}`);
    this.#violation ??= violation;
  }

  /** The run has ended with an error: a violation, or a fault of the simulation itself. */
  endedWith(error: unknown): void {
    if (error instanceof Violation) this.#violation ??= error.message;
    else this.#violation ??= `the simulation threw ${(error as Error).stack}`;
  }

  /** Of everything that happened; to be asked once. */
  hash(): string {
    return this.#hash.digest('hex');
  }
}
