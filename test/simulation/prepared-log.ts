// The transactions over several shards that one shard has prepared, as seen in its thread. Judges
// them at the shard's next recovery. A prepare or outcome is on stable storage before its answer.
import type { OutcomeOperation, PrepareOperation } from '../../src/protocol/shard-operation.ts';
import type { StartTask } from '../../src/protocol/shard-task.ts';
import { changesOf, type LoggedChange } from './logged-entry.ts';

/** The report of a shard that has been opened: its transactions in doubt. */
export interface Opened {
  readonly inDoubt: ReadonlySet<string>;
}

export interface LoggedPrepare {
  readonly participants: readonly number[];
  readonly changes: readonly LoggedChange[];
  /** False if the answer of the prepare was lost: it may not have reached the disk. */
  isSure: boolean;
  /** An outcome whose answer was lost, true for commit: the shard may have recorded it. */
  doubt: boolean | undefined;
}

export interface Resolved {
  readonly changes: readonly LoggedChange[];
  /** The outcomes of the transactions, true for commit. */
  readonly outcomes: ReadonlyMap<string, boolean>;
  /** Transactions whose prepare had no answer and did not reach the disk. */
  readonly absent: readonly string[];
  readonly misfit: string | undefined;
}

export class PreparedLog {
  readonly #prepared = new Map<string, LoggedPrepare>();
  /** Transactions with a recorded outcome that the shard must not forget yet. */
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

  /** @returns the changes of the transaction; undefined if the shard has not prepared it */
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

  /** Notes that the shard may have recorded this outcome. */
  doubt(transaction: string, isCommitted: boolean): void {
    const prepared = this.#prepared.get(transaction);
    if (prepared !== undefined) prepared.doubt = isCommitted;
  }

  /** Notes that nothing in doubt has happened. */
  forgetDoubt(): void {
    for (const [transaction, prepared] of this.#prepared) {
      prepared.doubt = undefined;
      if (!prepared.isSure) this.#prepared.delete(transaction);
    }
  }

  /**
   * Compares the log with the files, and with the outcomes that the start got.
   *
   * @param isMade whether the entries have the prepared changes
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
      // Neither the prepare nor its outcome may have reached the disk.
      const isOpen = !isThere && !prepared.isSure && prepared.doubt !== undefined;
      if (isOpen && !prepared.changes.some(([, held]) => typeof held === 'object')) {
        // Nothing shows whether deletes and flushes alone have happened.
        changes.push(...prepared.changes.map(([name]): LoggedChange => [name, 'unsure']));
        this.#prepared.delete(transaction);
        continue;
      }
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
