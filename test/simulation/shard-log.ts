// The changes of one shard in the order of its commits, as seen in its thread. Judges the entries
// of its next recovery. Usually they must be those after the last batch. After a power cut outside
// `always` an earlier batch will do, if it is not before the last known sync. prepared-log.ts has
// the transactions over several shards.
import { decodeBatch } from '../../src/protocol/batch-frame.ts';
import { decodeReply } from '../../src/protocol/reply-frame.ts';
import {
  isOutcome,
  type OutcomeOperation,
  type PrepareOperation,
  type ShardOperation,
  type ShardResult,
} from '../../src/protocol/shard-operation.ts';
import type { StartTask } from '../../src/protocol/shard-task.ts';
import { nameOf } from './entry-names.ts';
import {
  changesOf,
  entryOf,
  shown,
  textOf,
  type Held,
  type LoggedChange,
  type LoggedEntry,
  type NamedItem,
} from './logged-entry.ts';
import { PreparedLog, type Opened, type Resolved } from './prepared-log.ts';

type Batch = readonly LoggedChange[];

/** The result of a recovery, and the circumstances. */
export interface Recovery {
  readonly items: readonly NamedItem[];
  readonly nextSeq: number;
  /** True if a power cut may have taken unsynced writes. */
  readonly mayHaveLost: boolean;
  /** The sweep may have removed entries that have expired by then. */
  readonly now: number;
  readonly opened: Opened;
  readonly start: Pick<StartTask, 'outcomes' | 'inFlight'>;
}

/** Told of each durable step of a shard in a transaction over several shards. */
export interface CommitObserver {
  readonly onPrepared: (operation: PrepareOperation) => void;
  readonly onOutcome: (operation: OutcomeOperation) => void;
  readonly onForgotten: (transaction: string) => void;
  readonly onRecovered: (resolved: Resolved) => void;
}

export class ShardLog {
  #base = new Map<string, Held>();
  #batches: Batch[] = [];
  /** The entries after all batches. */
  #held = new Map<string, Held>();
  /** The number of batches, from the first one on, that are on stable storage. */
  #durable = 0;
  /** Changes of a batch that may have happened or not. No other batch can follow it. */
  #doubtful: Batch = [];
  /** Transactions of that batch. Each has happened as a whole or not at all. */
  #doubtfulTogether: Batch[] = [];
  readonly #prepared = new PreparedLog();
  readonly #observer: CommitObserver;
  #nextSeq = 0;

  constructor(observer: CommitObserver, items: readonly NamedItem[] = [], nextSeq = 0) {
    this.#observer = observer;
    this.#base = new Map(items.map((item) => [item.name, entryOf(item)]));
    this.#held = new Map(this.#base);
    this.#nextSeq = nextSeq;
  }

  /** This shard's view of transactions over several shards. */
  get prepared(): PreparedLog {
    return this.#prepared;
  }

  /** Checks a recovery against the log, and begins a new log with its entries. */
  begin(recovery: Recovery): string | undefined {
    const { items, nextSeq, mayHaveLost, now, opened, start } = recovery;
    const found = new Map(items.map((item) => [item.name, entryOf(item)]));
    const isMade = (changes: Batch): boolean =>
      changes.some(([name, held]) => typeof held === 'object' && isSame(held, found.get(name)));
    const resolved = this.#prepared.recover(opened, start, isMade);
    this.#observer.onRecovered(resolved);
    const misfit =
      resolved.misfit ??
      this.#misfit(found, resolved.changes, mayHaveLost ? this.#durable : Infinity, now);
    const isReused = nextSeq < this.#nextSeq;
    const before = this.#nextSeq;
    this.#base = new Map(found);
    this.#held = new Map(found);
    this.#batches = [];
    this.#durable = 0;
    this.#forgetDoubt();
    this.#nextSeq = nextSeq;
    if (isReused) return `seq went back from ${before} to ${nextSeq}`;
    return misfit;
  }

  /** Checks the entries while the shard serves. */
  misfitNow(items: readonly NamedItem[], now: number): string | undefined {
    const found = new Map(items.map((item) => [item.name, entryOf(item)]));
    return this.#misfit(found, [], Infinity, now);
  }

  noteBatch(frame: Uint8Array, reply: Uint8Array): void {
    const { timestamp, operations } = decodeBatch(frame);
    const { report, results } = decodeReply(reply);
    const changes: LoggedChange[] = [];
    let isSynced = false;
    const note = (change: LoggedChange): void => {
      changes.push(change);
      this.#held.set(...change);
    };
    for (const [index, result] of results.entries()) {
      const operation = operations[index];
      if (operation === undefined) continue;
      if (result.kind === 'refused') {
        this.#noteRefused(operation, result.error.outcome === 'unknown', report.isBroken);
        continue;
      }
      for (const change of this.#changesOf(operation, result, timestamp)) note(change);
      isSynced ||= operation.op === 'change' && operation.synced === true && result.kind === 'done';
      if (operation.op === 'prepare' && result.kind === 'done') {
        this.#prepared.add(operation, true);
        this.#observer.onPrepared(operation);
        isSynced = true;
      }
      if (isOutcome(operation)) {
        const resolved = this.#prepared.resolve(operation);
        for (const change of resolved ?? []) note(change);
        if (resolved !== undefined) this.#observer.onOutcome(operation);
        isSynced ||= resolved !== undefined;
      }
      if (operation.op === 'forget') {
        this.#prepared.forget(operation.transaction);
        this.#observer.onForgotten(operation.transaction);
      }
    }
    if (changes.length > 0) this.#batches.push(changes);
    if (isSynced || (!report.hasUnsynced && !report.isBroken)) this.noteSynced();
    if (!report.isBroken) this.#nextSeq = Math.max(this.#nextSeq, report.nextSeq);
  }

  /** All changes so far are on stable storage. */
  noteSynced(): void {
    this.#durable = this.#batches.length;
  }

  /** The shard has gone on after a failed sync: nothing in doubt has happened. */
  noteMended(): void {
    this.#forgetDoubt();
    this.#prepared.forgetDoubt();
  }

  /** The thread died in the middle of this batch. */
  noteLostBatch(frame: Uint8Array): void {
    for (const operation of decodeBatch(frame).operations) this.#noteDoubtful(operation);
  }

  /** The thread died during the start, or the start failed: its outcome records may be on disk. */
  noteLostStart({ outcomes }: StartTask): void {
    for (const [transaction, isCommitted] of outcomes) {
      this.#prepared.doubt(transaction, isCommitted);
    }
  }

  #changesOf(
    operation: ShardOperation,
    result: ShardResult,
    timestamp: number,
  ): readonly LoggedChange[] {
    if (operation.op === 'put' && result.kind === 'written') {
      const { value, ttlMs } = operation;
      const expiresAt = ttlMs === undefined ? undefined : timestamp + ttlMs;
      const entry = { version: result.version, value: textOf(value), expiresAt };
      return [[nameOf(operation), entry]];
    }
    if (operation.op === 'delete' && result.kind === 'deleted') {
      return [[nameOf(operation), 'nothing']];
    }
    if (operation.op !== 'change' || result.kind !== 'done') return [];
    // An expired entry cannot be deleted: the sweep removes it.
    return changesOf(operation).filter(([name, held]) => {
      const stands = this.#held.get(name);
      const isExpired = typeof stands === 'object' && (stands.expiresAt ?? Infinity) <= timestamp;
      return held !== 'nothing' || !isExpired;
    });
  }

  #noteRefused(operation: ShardOperation, isUnknown: boolean, isBroken: boolean): void {
    if (isUnknown || (isOutcome(operation) && isBroken)) this.#noteDoubtful(operation);
  }

  #noteDoubtful(operation: ShardOperation): void {
    if (operation.op === 'put' || operation.op === 'delete') {
      this.#doubtful = [...this.#doubtful, [nameOf(operation), 'unsure']];
    } else if (isOutcome(operation)) {
      this.#prepared.doubt(operation.transaction, operation.op === 'commit');
    } else if (operation.op === 'prepare') {
      this.#prepared.add(operation, false);
    } else if (operation.op === 'change') {
      this.#doubtfulTogether.push(changesOf(operation));
    }
  }

  #forgetDoubt(): void {
    this.#doubtful = [];
    this.#doubtfulTogether = [];
  }

  /**
   * @param resolved changes of transactions that the recovery has resolved, after all batches
   * @param least the number of batches that must be there at least; Infinity: all
   */
  #misfit(
    found: ReadonlyMap<string, LoggedEntry>,
    resolved: Batch,
    least: number,
    now: number,
  ): string | undefined {
    const held = new Map(this.#base);
    let reason: string | undefined;
    for (let count = 0; ; count++) {
      const isAll = count === this.#batches.length;
      if (count >= least || isAll) {
        const then = new Map([...held, ...resolved]);
        reason = isAll ? this.#differenceInDoubt(then, found, now) : differenceOf(then, found, now);
        if (reason === undefined) return undefined;
      }
      if (isAll) break;
      for (const [name, change] of this.#batches[count] ?? []) held.set(name, change);
    }
    return least === Infinity
      ? reason
      : `the recovered entries are not those after any batch; after the last one ${reason}`;
  }

  /** The batch in doubt has happened or not, and so has each transaction in it. */
  #differenceInDoubt(
    held: Map<string, Held>,
    found: ReadonlyMap<string, LoggedEntry>,
    now: number,
  ): string | undefined {
    const unsure = new Map([...held, ...this.#doubtful]);
    for (const together of this.#doubtfulTogether) {
      const then = new Map([...unsure, ...together]);
      const names = together.map(([name]) => name);
      // No other change of the batch has a key of this transaction.
      const isDone = differenceOf(then, found, now, names) === undefined;
      if (isDone) for (const [name, change] of together) unsure.set(name, change);
    }
    return differenceOf(unsure, found, now);
  }
}

function differenceOf(
  held: ReadonlyMap<string, Held>,
  found: ReadonlyMap<string, LoggedEntry>,
  now: number,
  names: Iterable<string> = new Set([...held.keys(), ...found.keys()]),
): string | undefined {
  for (const name of names) {
    const expected = held.get(name) ?? 'nothing';
    const actual = found.get(name);
    if (expected === 'unsure') continue;
    if (expected === 'nothing') {
      if (actual !== undefined) return `${name} is there again: ${shown(actual.value)}`;
    } else if (actual === undefined) {
      // The sweep may have removed it.
      const isDue = expected.expiresAt !== undefined && expected.expiresAt <= now;
      if (!isDue) return `${name} is missing: ${shown(expected.value)} version ${expected.version}`;
    } else if (!isSame(expected, actual)) {
      const [is, was] = [actual, expected].map(
        ({ version, value }) => `${shown(value)} version ${version}`,
      );
      return `${name} has ${is}, not ${was}`;
    }
  }
  return undefined;
}

function isSame(one: LoggedEntry, other: LoggedEntry | undefined): boolean {
  return one.version === other?.version && one.value === other.value;
}
