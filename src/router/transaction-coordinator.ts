// Transactions: keys locked, read, decided on, and changed, all or nothing, in one shard or several.
//
// In one shard the changes are one operation. Over several, each shard first writes its part and
// syncs it; with all parts durable the transaction is decided, and that is put into all their queues
// in one synchronous turn, so that whoever comes later, to any of them, sees all of it. What is left
// by a crash is decided by what the files say (src/storage/transaction-outcome.ts).
import { assert } from '../base/assert.ts';
import { StoreError } from '../base/errors.ts';
import { frameBytesOf } from '../protocol/batch-frame.ts';
import type {
  ChangeOperation,
  DecideOperation,
  EntryChange,
  ShardOperation,
  ShardResult,
} from '../protocol/shard-operation.ts';
import type { EntryName } from '../store/operation.ts';
import type { Durability, EntryResult, RefusedResult, Result } from '../store/result.ts';
import type { SubmitOptions, TransactionFigures, TransactOptions } from '../store/store.ts';
import type {
  Decide,
  EntryPut,
  TransactionMoment,
  TransactionResult,
} from '../store/transaction.ts';
import type { KeyLocks } from './key-locks.ts';
import type { ShardClient } from './shard-client.ts';
import { Ticket } from './ticket.ts';

export interface TransactionCoordinatorOptions {
  readonly locks: KeyLocks;
  /** By number. */
  readonly shards: readonly ShardClient[];
  readonly shardOf: (key: string) => ShardClient;
  /** Asks for these entries in one turn, past the cache. */
  readonly read: (names: readonly EntryName[], options: SubmitOptions) => Promise<Result[]>;
  /** Called in the turn in which a change of the entry is queued. */
  readonly onChangeQueued: (name: EntryName) => void;
  readonly onFlushQueued: () => void;
  readonly stamp: () => number;
  readonly durability: Durability;
  /** An id that no other transaction of the store has, whenever it was. */
  readonly newId: () => string;
  /** By id: those that are not settled. */
  readonly underWay: Set<string>;
}

/** What one shard has to change. */
interface Share {
  readonly shard: ShardClient;
  readonly version: number;
  readonly flush: readonly string[];
  readonly changes: EntryChange[];
}

const overloaded: RefusedResult = {
  kind: 'refused',
  error: new StoreError('OVERLOADED', 'Too many operations wait for a shard already.', {
    retryable: true,
    retryAfterMs: 1000,
  }),
};

/** On its way to one shard. */
interface Decision {
  /** In the end, unless its shard ends before. */
  readonly answer: Promise<ShardResult>;
  /** False where its shard has to be well again first, which may take long. */
  readonly isDoneSoon: Promise<boolean>;
}

function nothing(): void {}

function sendDecision(shard: ShardClient, operation: DecideOperation): Decision {
  let onDelay = nothing;
  const isDelayed = new Promise<boolean>((resolve) => {
    onDelay = () => resolve(false);
  });
  const answer = new Promise<ShardResult>((resolve) => {
    shard.enqueue(new Ticket(operation, resolve, onDelay));
  });
  const isDone = answer.then(({ kind }) => kind === 'done');
  return { answer, isDoneSoon: Promise.race([isDelayed, isDone]) };
}

/** What it was decided on has expired: once more. */
const stale = 'stale';

function isRefused<Answer extends { readonly kind: string }>(
  answer: Answer,
): answer is Answer & RefusedResult {
  return answer.kind === 'refused';
}

export class TransactionCoordinator {
  readonly #options: TransactionCoordinatorOptions;
  readonly #figures = { committed: 0, overShards: 0, refused: 0, unknown: 0 };

  constructor(options: TransactionCoordinatorOptions) {
    this.#options = options;
  }

  get figures(): TransactionFigures {
    return { ...this.#figures };
  }

  /** As `Store.transact`. */
  async run<Outcome>(
    names: readonly EntryName[],
    decide: Decide<Outcome>,
    options: TransactOptions,
  ): Promise<TransactionResult<Outcome>> {
    const result = await this.#run(names, decide, options);
    if (result.kind === 'committed')
      this.#figures.committed += Number(result.durability !== undefined);
    else if (result.error.outcome === 'unknown') this.#figures.unknown += 1;
    else this.#figures.refused += 1;
    return result;
  }

  async #run<Outcome>(
    names: readonly EntryName[],
    decide: Decide<Outcome>,
    options: TransactOptions,
  ): Promise<TransactionResult<Outcome>> {
    const { locks } = this.#options;
    const attempt = async (): Promise<TransactionResult<Outcome>> => {
      for (;;) {
        // oxlint-disable-next-line no-await-in-loop -- only where the last attempt has come to nothing
        const result = await this.#attempt(names, decide, options);
        if (result !== stale) return result;
      }
    };
    try {
      return await (options.alone ? locks.holdAll(attempt) : locks.hold(names, attempt));
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return { kind: 'refused', error };
    }
  }

  /** The locks are held. */
  async #attempt<Outcome>(
    names: readonly EntryName[],
    decide: Decide<Outcome>,
    options: TransactOptions,
  ): Promise<TransactionResult<Outcome> | typeof stale> {
    const read = await this.#options.read(names, options);
    const refused = read.find(isRefused);
    if (refused !== undefined) return refused;
    const moment = this.#momentOf(names, read);
    const { outcome, changes, flush = [] } = decide(moment);
    assert(flush.length === 0 || options.alone === true, 'a transaction that flushes is alone');
    const shares = this.#sharesOf(names, moment, changes, flush);
    const validUntil = firstDeadlineOf(moment);
    const [first, second] = shares;
    if (first === undefined) return { kind: 'committed', outcome, durability: undefined };
    const failed =
      second === undefined
        ? await this.#changeOne(first, validUntil)
        : await this.#changeSeveral(shares, validUntil);
    if (failed !== undefined) return failed;
    if (second !== undefined) this.#figures.overShards += 1;
    // Parts are synced in every mode.
    const durability = second === undefined ? this.#options.durability : 'synced';
    return { kind: 'committed', outcome, durability };
  }

  #momentOf(names: readonly EntryName[], read: readonly Result[]): TransactionMoment {
    const now = this.#options.stamp();
    const entries = read.map((result): EntryResult | undefined =>
      result.kind === 'entry' && (result.expiresAt ?? Infinity) > now ? result : undefined,
    );
    // Above all versions that the key has had, since the shard has answered behind them; and no
    // other change of the key can come before ours.
    const versions = names.map(({ key }) => this.#options.shardOf(key).nextSeq);
    return { entries, versions, now };
  }

  #sharesOf(
    names: readonly EntryName[],
    { versions }: TransactionMoment,
    changes: readonly (EntryPut | 'delete' | undefined)[],
    flush: readonly string[],
  ): Share[] {
    const shares = new Map<ShardClient, Share>();
    for (const shard of flush.length > 0 ? this.#options.shards : []) {
      shares.set(shard, { shard, version: shard.nextSeq, flush, changes: [] });
    }
    for (const [index, { namespace, key }] of names.entries()) {
      const change = changes[index];
      if (change === undefined) continue;
      const shard = this.#options.shardOf(key);
      const version = versions[index] ?? 0;
      const share = shares.get(shard) ?? { shard, version, flush, changes: [] };
      shares.set(shard, share);
      share.changes.push({ namespace, key, put: change === 'delete' ? undefined : change });
    }
    return [...shares.values()].toSorted((a, b) => a.shard.shard - b.shard.shard);
  }

  /** Undefined where it is done. */
  async #changeOne(
    share: Share,
    validUntil: number,
  ): Promise<RefusedResult | typeof stale | undefined> {
    this.#noteQueued([share]);
    const answer = await this.#ask(share.shard, changeOf(share, validUntil, undefined));
    if (isRefused(answer)) return answer;
    return answer.kind === 'stale' ? stale : undefined;
  }

  /** Undefined where it is decided that it is committed, and all later comers see it. */
  async #changeSeveral(
    shares: readonly Share[],
    validUntil: number,
  ): Promise<RefusedResult | typeof stale | undefined> {
    const { newId, stamp, underWay } = this.#options;
    const shards = shares.map(({ shard }) => shard.shard);
    const part = { transaction: newId(), shards };
    const operations = shares.map((share) => changeOf(share, validUntil, part));
    // In one turn, so that what one shard has no room for, none is asked.
    const bytes = operations.map(frameBytesOf);
    if (!shares.every(({ shard }, index) => shard.hasRoom(1, bytes[index] ?? 0))) return overloaded;
    underWay.add(part.transaction);
    const answers = await Promise.all(
      shares.map(({ shard }, index) => this.#ask(shard, operations[index] as ChangeOperation)),
    );
    const areAllThere = answers.every(({ kind }) => kind === 'done');
    if (areAllThere && stamp() < validUntil) {
      this.#noteQueued(shares);
      void this.#settle(part.transaction, shares, this.#decide(part.transaction, shares, true));
      return undefined;
    }
    return await this.#abort(part.transaction, shares, answers);
  }

  /**
   * It is not committed; what can be told of that depends on whether a crash could still find all of
   * its parts and no note.
   */
  async #abort(
    transaction: string,
    shares: readonly Share[],
    answers: readonly ShardResult[],
  ): Promise<RefusedResult | typeof stale> {
    const decided = this.#decide(transaction, shares, false);
    void this.#settle(transaction, shares, decided);
    const refused = answers.filter(isRefused);
    const isStale = refused.length === 0;
    const lacksPart = (answer: ShardResult): boolean =>
      answer.kind === 'stale' || (isRefused(answer) && answer.error.outcome === 'not-applied');
    const isCertain = answers.some(lacksPart) || (await isNoted(decided, answers));
    if (isCertain && isStale) return stale;
    const cause = refused.find(lacksPart) ?? refused[0] ?? overloaded;
    return { kind: 'refused', error: withOutcome(cause.error, isCertain) };
  }

  /** Puts the decision into all queues in this very turn. */
  #decide(transaction: string, shares: readonly Share[], commit: boolean): readonly Decision[] {
    const operation = { op: 'decide', transaction, commit } as const;
    return shares.map(({ shard }) => sendDecision(shard, operation));
  }

  /** Once all shards have noted it, they may forget it. Where one can not, it stays under way. */
  async #settle(
    transaction: string,
    shares: readonly Share[],
    decided: readonly Decision[],
  ): Promise<void> {
    const answers = await Promise.all(decided.map(({ answer }) => answer));
    if (answers.some(isRefused)) return;
    this.#options.underWay.delete(transaction);
    for (const { shard } of shares) void this.#ask(shard, { op: 'settle', transaction });
  }

  #noteQueued(shares: readonly Share[]): void {
    const { onChangeQueued, onFlushQueued } = this.#options;
    for (const { flush, changes } of shares) {
      if (flush.length > 0) onFlushQueued();
      for (const name of changes) onChangeQueued(name);
    }
  }

  #ask(shard: ShardClient, operation: ShardOperation): Promise<ShardResult> {
    return new Promise((resolve) => shard.enqueue(new Ticket(operation, resolve)));
  }
}

/** From then on, not all of what was read stands any more. */
function firstDeadlineOf({ entries }: TransactionMoment): number {
  let first = Number.MAX_SAFE_INTEGER;
  for (const entry of entries) first = Math.min(first, entry?.expiresAt ?? first);
  return first;
}

function changeOf(
  { flush, changes, version }: Share,
  validUntil: number,
  part: ChangeOperation['part'],
): ChangeOperation {
  return { op: 'change', flush, changes, version, validUntil, part };
}

/** Whether a shard that had its part says, soon, that it is durably noted that it does not count. */
async function isNoted(
  decided: readonly Decision[],
  answers: readonly ShardResult[],
): Promise<boolean> {
  const noted = decided
    .filter((_, index) => answers[index]?.kind === 'done')
    .map(async ({ isDoneSoon }) => {
      if (!(await isDoneSoon)) throw new Error('it could not be noted');
    });
  try {
    await Promise.any(noted);
    return true;
  } catch {
    return false;
  }
}

function withOutcome(error: StoreError, isCertain: boolean): StoreError {
  const { code, message, retryable, retryAfterMs, limit, parameter } = error;
  const outcome = isCertain ? 'not-applied' : 'unknown';
  return new StoreError(code, message, { retryable, retryAfterMs, limit, parameter, outcome });
}
