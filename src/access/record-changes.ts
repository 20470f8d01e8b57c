// Changes the store's own records, one change at a time, and finds out the outcome of each. Memory
// follows the store only once the outcome is certain. Knows no record.
import { Mutex } from 'async-mutex';
import { assert } from '../base/assert.ts';
import { retrySoon, StoreError } from '../base/errors.ts';
import { overloaded } from '../base/overloaded.ts';
import type { EntryName } from '../store/operation.ts';
import type { Store } from '../store/store.ts';
import { readRecord } from './read-record.ts';
import { untilKnown, type Sleep } from './until-known.ts';

export interface RecordChange {
  readonly name: EntryName;
  /** Undefined: the record is deleted. */
  readonly put: Uint8Array | undefined;
}

export interface RecordTransaction {
  /**
   * All made at one moment, or none. At least one of them puts a record, or deletes one that there
   * is: the outcome is found by it.
   */
  readonly changes: readonly RecordChange[];
  /** Namespaces that are emptied at the same moment. */
  readonly flush?: readonly string[];
  /** Brings memory up to the store. Called once the changes are made. */
  readonly apply: () => void;
  /** Called once it is certain that the changes are not made. */
  readonly dismiss?: () => void;
}

/** Throws the error that refuses a change. For a caller that may have lost its rights meanwhile. */
export type Judge = () => void;

/** Administrators' requests that may wait for one change. */
const waitersMax = 1000;

export interface RecordChangesOptions {
  readonly store: Store;
  readonly sleep: Sleep;
}

export class RecordChanges {
  readonly #options: RecordChangesOptions;
  readonly #mutex = new Mutex();
  #waiters = 0;
  /** True from an unknown outcome until it is known. */
  #isInDoubt = false;

  constructor(options: RecordChangesOptions) {
    this.#options = options;
  }

  /**
   * Runs `work` while no other caller changes records.
   *
   * @param judge asked behind the wait: the change before may have revoked the caller's token
   * @throws StoreError OVERLOADED, SHARD_UNAVAILABLE; whatever `work` or `judge` throws
   */
  async exclusive<T>(work: () => Promise<T>, judge?: Judge): Promise<T> {
    if (this.#waiters >= waitersMax) {
      throw overloaded(`${waitersMax} changes of users and namespaces wait already.`);
    }
    this.#waiters += 1;
    try {
      return await this.#mutex.runExclusive(async () => {
        if (this.#isInDoubt) throw doubtful();
        judge?.();
        return await work();
      });
    } finally {
      this.#waiters -= 1;
    }
  }

  /**
   * Makes the changes. Only for the work of `exclusive`. An outcome that stays unknown is looked for
   * until it is known; later changes are refused meanwhile.
   *
   * @throws StoreError the store's refusal, with its outcome
   */
  async commit(transaction: RecordTransaction): Promise<void> {
    const { changes, flush, apply, dismiss } = transaction;
    const { store } = this.#options;
    let versions: readonly number[] = [];
    let isThere: readonly boolean[] = [];
    const result = await store.transact(
      changes.map(({ name }) => name),
      (moment) => {
        versions = moment.versions;
        isThere = moment.entries.map((entry) => entry !== undefined);
        const planned = changes.map(({ put }) =>
          put === undefined ? ('delete' as const) : { value: put, expiresAt: undefined },
        );
        return { output: undefined, changes: planned, ...(flush === undefined ? {} : { flush }) };
      },
      { synced: true, alone: flush ?? false },
    );
    if (result.kind === 'committed') return apply();
    const { error } = result;
    // A plan that was never asked for has changed nothing.
    if (error.outcome === 'not-applied' || versions.length === 0) {
      dismiss?.();
      throw error;
    }
    const look = (): Promise<boolean | undefined> => this.#isMade(changes, versions, isThere);
    const isMade = await look();
    if (isMade === undefined) {
      void this.#settle(transaction, look);
      throw error;
    }
    if (isMade) return apply();
    dismiss?.();
    throw notMade(error);
  }

  async #settle(
    { apply, dismiss }: RecordTransaction,
    look: () => Promise<boolean | undefined>,
  ): Promise<void> {
    this.#isInDoubt = true;
    const isMade = await untilKnown(look, this.#options.sleep);
    this.#isInDoubt = false;
    if (isMade) apply();
    else dismiss?.();
  }

  /** @returns undefined if the store cannot tell now */
  async #isMade(
    changes: readonly RecordChange[],
    versions: readonly number[],
    isThere: readonly boolean[],
  ): Promise<boolean | undefined> {
    const place = decisivePlace(changes, isThere);
    const change = changes[place];
    assert(change !== undefined, 'one of the changes tells the outcome');
    const found = await readRecord(this.#options.store, change.name);
    if (found === 'unknown') return undefined;
    if (change.put === undefined) return found === undefined;
    // Only this change can have put the record under this version.
    return found?.version === versions[place];
  }
}

/** The place of a change whose effect can be told from its absence. */
function decisivePlace(changes: readonly RecordChange[], isThere: readonly boolean[]): number {
  return changes.findIndex(({ put }, index) => put !== undefined || isThere[index] === true);
}

function notMade({ code, message }: StoreError): StoreError {
  return new StoreError(code, `${message} The change was not made.`, retrySoon);
}

function doubtful(): StoreError {
  const detail =
    'The outcome of an earlier change of users and namespaces is not known yet. Nothing was changed.';
  return new StoreError('SHARD_UNAVAILABLE', detail, retrySoon);
}
