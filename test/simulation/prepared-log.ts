// The transactions over several shards that one shard has prepared, as seen in its thread, and what
// becomes of them when it is recovered. An answered prepare is on stable storage, and so is an outcome.
import type { OutcomeOperation, PrepareOperation } from '../../src/protocol/shard-operation.ts';
import type { StartTask } from '../../src/protocol/shard-task.ts';
import { changesOf, type LoggedChange } from './logged-entry.ts';

/** What a shard says of itself when it is opened: its transactions in doubt. */
export interface Opened {
  readonly inDoubt: ReadonlySet<string>;
}

export interface LoggedPrepare {
  readonly participants: readonly number[];
  readonly changes: readonly LoggedChange[];
  /** False: its answer was lost, and it may not be there. */
  isSure: boolean;
  /** This outcome, true for commit, may have been recorded: its answer was lost. */
  doubt: boolean | undefined;
}

export interface Resolved {
  readonly changes: readonly LoggedChange[];
  /** Their outcomes, true for commit. */
  readonly outcomes: ReadonlyMap<string, boolean>;
  /** Transactions whose prepare was not answered, and that are not there. */
  readonly absent: readonly string[];
  readonly misfit: string | undefined;
}

export class PreparedLog {
  readonly #prepared = new Map<string, LoggedPrepare>();
  /** Recorded, and not to be forgotten yet. */
  #outcomes = new Set<string>();

  get outcomes(): ReadonlySet<string> {
    return this.#outcomes;
  }

  get inDoubt(): ReadonlyMap<string, LoggedPrepare> {
    return this.#prepared;
  }

  add(operation: PrepareOperation, isSure: boolean): void {
    const { transaction, participants } = operation;
    const changes = changesOf(operation);
    this.#prepared.set(transaction, { participants, changes, isSure, doubt: undefined });
  }

  /** @returns the changes that it makes; undefined if the transaction is not prepared here */
  resolve({ op, transaction }: OutcomeOperation): readonly LoggedChange[] | undefined {
    const prepared = this.#prepared.get(transaction);
    if (prepared === undefined) return undefined;
    this.#prepared.delete(transaction);
    this.#outcomes.add(transaction);
    return op === 'commit' ? prepared.changes : [];
  }

  forget(transaction: string): void {
    this.#outcomes.delete(transaction);
  }

  /** This outcome may have been recorded. */
  doubt(transaction: string, isCommitted: boolean): void {
    const prepared = this.#prepared.get(transaction);
    if (prepared !== undefined) prepared.doubt = isCommitted;
  }

  /** Whatever was in doubt has not happened. */
  forgetDoubt(): void {
    for (const [transaction, prepared] of this.#prepared) {
      prepared.doubt = undefined;
      if (!prepared.isSure) this.#prepared.delete(transaction);
    }
  }

  /**
   * Compares with what the files have, and with the outcomes that the start was told.
   *
   * @param isMade whether the prepared changes are found to be made
   */
  recover(
    { inDoubt }: Opened,
    { outcomes, inFlight }: Pick<StartTask, 'outcomes' | 'inFlight'>,
    isMade: (changes: readonly LoggedChange[]) => boolean,
  ): Resolved {
    const changes: LoggedChange[] = [];
    const resolved = new Map<string, boolean>();
    const absent: string[] = [];
    const stray = [...inDoubt].find((transaction) => !this.#prepared.has(transaction));
    let misfit = stray && `${stray} is in doubt, which it had resolved, or never prepared`;
    for (const [transaction, prepared] of this.#prepared) {
      const isThere = inDoubt.has(transaction);
      // Neither it nor its outcome may have reached the disk.
      const wasThere = prepared.isSure || prepared.doubt === undefined || isMade(prepared.changes);
      const outcome = isThere ? outcomes.get(transaction) : wasThere ? prepared.doubt : undefined;
      if (isThere && outcome === undefined) {
        if (!inFlight.has(transaction)) misfit ??= `${transaction} is left in doubt`;
        prepared.isSure = true;
        prepared.doubt = undefined;
        continue;
      }
      if (outcome === undefined) {
        absent.push(transaction);
        if (prepared.isSure) misfit ??= `it has lost what it prepared of ${transaction}`;
      } else {
        resolved.set(transaction, outcome);
        if (outcome) changes.push(...prepared.changes);
      }
      this.#prepared.delete(transaction);
      this.#outcomes.add(transaction);
    }
    this.#outcomes = new Set([...this.#outcomes].filter((one) => inFlight.has(one)));
    return { changes, outcomes: resolved, absent, misfit };
  }
}
