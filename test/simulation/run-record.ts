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
  transactionsDecidedAgain: number;
  /** Over several shards, by what was decided. */
  overShardsCommitted: number;
  overShardsAborted: number;
  /** Such transactions that were under way when their process ended: before all parts were there… */
  endsAmongParts: number;
  /** …before any note of the decision was… */
  endsBeforeNotes: number;
  /** …before all notes were… */
  endsAmongNotes: number;
  /** …and before anybody was told that all were. */
  endsBeforeSettled: number;
  /** Threads that died while they wrote a part, or a note. */
  deathsInPart: number;
  deathsInNote: number;
  partsCommittedAtStart: number;
  partsDroppedAtStart: number;
  /** Parts that a new thread found, of transactions that were under way. */
  partsKeptAtStart: number;
  /** Of a shard that had an undecided part, or a note that was not settled. */
  compactionsWithParts: number;
  compactionsWithNotes: number;
  cutsWithParts: number;
  reshards: number;
  reshardsCutShort: number;
  /** Parts that a reshard found undecided. */
  partsResharded: number;
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
    transactionsDecidedAgain: 0,
    overShardsCommitted: 0,
    overShardsAborted: 0,
    endsAmongParts: 0,
    endsBeforeNotes: 0,
    endsAmongNotes: 0,
    endsBeforeSettled: 0,
    deathsInPart: 0,
    deathsInNote: 0,
    partsCommittedAtStart: 0,
    partsDroppedAtStart: 0,
    partsKeptAtStart: 0,
    compactionsWithParts: 0,
    compactionsWithNotes: 0,
    cutsWithParts: 0,
    reshards: 0,
    reshardsCutShort: 0,
    partsResharded: 0,
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
