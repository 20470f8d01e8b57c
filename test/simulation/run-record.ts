// The record of one run: figures, trace, their hash, and the first violation. Knows nothing of the
// parts of a run.
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
  /** Transactions that their clients know to have changed something. */
  transactionsCommitted: number;
  transactionsRefused: number;
  transactionsUnknown: number;
  /** Transactions whose first attempt had become stale. */
  transactionsPlannedAgain: number;
  /** Transactions over several shards, by outcome. */
  overShardsCommitted: number;
  overShardsAborted: number;
  /** Committed transactions that dropped a namespace. */
  dropsCommitted: number;
  /** Transactions over several shards in flight at the end of a process: not all had prepared, */
  endsAmongPrepares: number;
  /** all had prepared, and none had recorded the outcome, */
  endsBeforeOutcomes: number;
  /** some had recorded the outcome, and not all, */
  endsAmongOutcomes: number;
  /** all had recorded it, and none was told to forget it. */
  endsBeforeForget: number;
  /** Threads that died during a prepare, or during an outcome. */
  deathsInPrepare: number;
  deathsInOutcome: number;
  committedAtStart: number;
  abortedAtStart: number;
  /** Transactions in flight that a new thread found in doubt. */
  keptInDoubtAtStart: number;
  /** Compactions of shards with a transaction in doubt, or with an outcome to keep. */
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
    dropsCommitted: 0,
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

  /** The first violation; undefined if there is none. */
  get violation(): string | undefined {
    return this.#violation;
  }

  /** The last lines of the trace. */
  get trace(): readonly string[] {
    return this.#trace;
  }

  note(line: string): void {
    this.#hash.update(line);
    this.#trace.push(line);
    if (this.#trace.length > 2 * traceKept) this.#trace.splice(0, traceKept);
  }

  /** For callers that cannot throw. The next step ends the run. */
  fail(violation: string): void {
    this.note(`VIOLATION ${violation}`);
    this.#violation ??= violation;
  }

  /** The run has ended with an error: a violation, or a bug of the simulation itself. */
  endedWith(error: unknown): void {
    if (error instanceof Violation) this.#violation ??= error.message;
    else this.#violation ??= `the simulation threw ${(error as Error).stack}`;
  }

  /** The hash of the whole trace. May be asked for once. */
  hash(): string {
    return this.#hash.digest('hex');
  }
}
