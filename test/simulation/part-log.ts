// Of transactions over several shards, the parts that one shard has, as seen in its thread; and what
// becomes of them when it is recovered. A part that was answered for is on stable storage, and so is
// a decision.
import type { ChangeOperation, DecideOperation } from '../../src/protocol/shard-operation.ts';
import type { StartTask } from '../../src/protocol/shard-task.ts';
import { changesOf, type LoggedChange } from './logged-entry.ts';

/** What a shard says of itself when it is opened: transactions of which it has an undecided part. */
export interface Opened {
  readonly undecided: ReadonlySet<string>;
}

export interface LoggedPart {
  readonly shards: readonly number[];
  readonly changes: readonly LoggedChange[];
  /** False: nobody was told whether it is there. */
  isSure: boolean;
  /** It may have been decided so, which nobody was told. */
  doubt: boolean | undefined;
}

export interface Resolved {
  readonly changes: readonly LoggedChange[];
  /** What changed them, by what was decided. */
  readonly decided: ReadonlyMap<string, boolean>;
  /** Parts that nobody had answered for, and that are not there. */
  readonly absent: readonly string[];
  readonly misfit: string | undefined;
}

export class PartLog {
  readonly #parts = new Map<string, LoggedPart>();
  /** Decided, and not settled. */
  #notes = new Set<string>();

  get notes(): ReadonlySet<string> {
    return this.#notes;
  }

  get open(): ReadonlyMap<string, LoggedPart> {
    return this.#parts;
  }

  add(operation: ChangeOperation, isSure: boolean): void {
    const { part } = operation;
    if (part === undefined) return;
    const logged = { shards: part.shards, changes: changesOf(operation), isSure, doubt: undefined };
    this.#parts.set(part.transaction, logged);
  }

  /** @returns what it changes, undefined where there is no such part */
  decide({ transaction, commit }: DecideOperation): readonly LoggedChange[] | undefined {
    const part = this.#parts.get(transaction);
    if (part === undefined) return undefined;
    this.#parts.delete(transaction);
    this.#notes.add(transaction);
    return commit ? part.changes : [];
  }

  settle(transaction: string): void {
    this.#notes.delete(transaction);
  }

  /** It may have been decided so. */
  doubt({ transaction, commit }: Pick<DecideOperation, 'transaction' | 'commit'>): void {
    const part = this.#parts.get(transaction);
    if (part !== undefined) part.doubt = commit;
  }

  /** What was in doubt has not happened. */
  forgetDoubt(): void {
    for (const [transaction, part] of this.#parts) {
      part.doubt = undefined;
      if (!part.isSure) this.#parts.delete(transaction);
    }
  }

  /**
   * By what the files have of it, and by how the start was told that they were decided.
   *
   * @param isMade whether what a part changes is found to be made
   */
  resolve(
    { undecided }: Opened,
    { outcomes, underWay }: Pick<StartTask, 'outcomes' | 'underWay'>,
    isMade: (changes: readonly LoggedChange[]) => boolean,
  ): Resolved {
    const changes: LoggedChange[] = [];
    const decided = new Map<string, boolean>();
    const absent: string[] = [];
    const stray = [...undecided].find((transaction) => !this.#parts.has(transaction));
    let misfit = stray && `it has a part of ${stray}, which it had decided, or never had`;
    for (const [transaction, part] of this.#parts) {
      const isThere = undecided.has(transaction);
      // Neither it nor its note may have reached the disk.
      const wasThere = part.isSure || part.doubt === undefined || isMade(part.changes);
      const outcome = isThere ? outcomes.get(transaction) : wasThere ? part.doubt : undefined;
      if (isThere && outcome === undefined) {
        if (!underWay.has(transaction)) misfit ??= `${transaction} is left open`;
        part.isSure = true;
        part.doubt = undefined;
        continue;
      }
      if (outcome === undefined) {
        absent.push(transaction);
        if (part.isSure) misfit ??= `it has lost its part of ${transaction}`;
      } else {
        decided.set(transaction, outcome);
        if (outcome) changes.push(...part.changes);
      }
      this.#parts.delete(transaction);
      this.#notes.add(transaction);
    }
    this.#notes = new Set([...this.#notes].filter((transaction) => underWay.has(transaction)));
    return { changes, decided, absent, misfit };
  }
}
