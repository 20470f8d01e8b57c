// Runs transactions: locks the keys, reads the entries, has the caller plan the changes, and makes
// all or none. Changes in one shard are one operation; two-phase-commit.ts makes changes over
// several. Knows neither threads nor files.
import { assert } from '../../base/assert.ts';
import { StoreError } from '../../base/errors.ts';
import type { EntryChange } from '../../protocol/shard-operation.ts';
import { refusalOfNames, type TransactionName } from '../../store/authorization.ts';
import type { EntryName } from '../../store/operation.ts';
import type { Durability, EntryResult, RefusedResult, Result } from '../../store/result.ts';
import type { TransactOptions } from '../../store/store.ts';
import type { TransactionFigures } from '../../store/store-status.ts';
import type {
  PlannedChanges,
  TransactionMoment,
  TransactionPlan,
  TransactionResult,
} from '../../store/transaction.ts';
import type { KeyLocks } from '../key-locks.ts';
import type { ReservedChanges, ReservedWrites } from '../quotas/reserved-writes.ts';
import { ReplyCollector } from '../reply-collector.ts';
import type { ChangesOfShard, Sequencer, ShardQueue } from '../sequencer.ts';
import { stale, type TwoPhaseCommit } from './two-phase-commit.ts';

export interface TransactionRunnerOptions {
  readonly locks: KeyLocks;
  readonly sequencer: Sequencer;
  readonly twoPhaseCommit: TwoPhaseCommit;
  readonly writes: Pick<ReservedWrites, 'reserveChanges'>;
  readonly timestamp: () => number;
  /** Durability of changes in one shard. */
  readonly durability: Durability;
}

interface ChangeOptions {
  readonly validUntil: number;
  readonly synced: boolean;
  readonly reserved: ReservedChanges;
}

export class TransactionRunner {
  readonly #options: TransactionRunnerOptions;
  readonly #figures = { committed: 0, overShards: 0, refused: 0, unknown: 0 };

  constructor(options: TransactionRunnerOptions) {
    this.#options = options;
  }

  get figures(): TransactionFigures {
    return { ...this.#figures };
  }

  /** See `Store.transact`. */
  async run<Output>(
    names: readonly TransactionName[],
    plan: TransactionPlan<Output>,
    options: TransactOptions,
  ): Promise<TransactionResult<Output>> {
    const error = refusalOfNames(names, options.authorization);
    // A refused transaction holds up no other one, and learns of no lock.
    const result =
      error === undefined
        ? await this.#runLocked(names, plan, options)
        : ({ kind: 'refused', error } as const);
    this.#count(result);
    return result;
  }

  #count(result: TransactionResult<unknown>): void {
    if (result.kind === 'committed') {
      if (result.durability !== undefined) this.#figures.committed += 1;
    } else if (result.error.outcome === 'unknown') {
      this.#figures.unknown += 1;
    } else {
      this.#figures.refused += 1;
    }
  }

  async #runLocked<Output>(
    names: readonly TransactionName[],
    plan: TransactionPlan<Output>,
    options: TransactOptions,
  ): Promise<TransactionResult<Output>> {
    const { locks } = this.#options;
    const attempt = async (): Promise<TransactionResult<Output>> => {
      for (;;) {
        // oxlint-disable-next-line no-await-in-loop -- only if an entry that was read has expired
        const result = await this.#attempt(names, plan, options);
        if (result !== stale) return result;
      }
    };
    try {
      const { alone = false } = options;
      if (alone === true) return await locks.holdAll(attempt);
      if (alone === false || alone.length === 0) return await locks.hold(names, attempt);
      return await locks.holdNamespaces(alone, names, attempt);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return { kind: 'refused', error };
    }
  }

  /** The caller holds the locks. */
  async #attempt<Output>(
    names: readonly TransactionName[],
    plan: TransactionPlan<Output>,
    options: TransactOptions,
  ): Promise<TransactionResult<Output> | typeof stale> {
    const error = refusalOfNames(names, options.authorization);
    if (error !== undefined) return { kind: 'refused', error };
    const read = await this.#read(names, options);
    const refused = read.find((result) => result.kind === 'refused');
    if (refused !== undefined) return refused;
    const moment = this.#momentOf(names, read);
    const planned = plan(moment);
    const { alone = false } = options;
    const mayFlush = (namespace: string): boolean =>
      typeof alone === 'boolean' ? alone : alone.includes(namespace);
    const flushesAlone = planned.flush?.every(mayFlush) ?? true;
    assert(flushesAlone, 'a transaction is alone in the namespaces that it flushes');
    const changes = this.#changesByShard(names, moment, planned);
    const { output } = planned;
    const [first, second] = changes;
    if (first === undefined) return { kind: 'committed', output, durability: undefined };
    const validUntil = firstExpiryOf(moment);
    const reserved = await this.#options.writes.reserveChanges(names, moment, planned);
    if (second === undefined) {
      const { synced = false } = options;
      const failure = await this.#changeOne(first, { validUntil, synced, reserved });
      const durability = synced ? 'synced' : this.#options.durability;
      return failure ?? { kind: 'committed', output, durability };
    }
    const failure = await this.#options.twoPhaseCommit.run(changes, validUntil, reserved);
    if (failure !== undefined) return failure;
    this.#figures.overShards += 1;
    // Participants sync what they prepare in every mode.
    return { kind: 'committed', output, durability: 'synced' };
  }

  /** Reads through the queues: the answers come behind all operations that were queued before. */
  async #read(
    names: readonly EntryName[],
    { reserveReplyBytes }: TransactOptions,
  ): Promise<Result[]> {
    const collector = new ReplyCollector<Result>(names.length, reserveReplyBytes);
    this.#options.sequencer.readAt(names, collector, false);
    return await collector.results;
  }

  #momentOf(names: readonly EntryName[], read: readonly Result[]): TransactionMoment {
    const { timestamp, sequencer } = this.#options;
    const now = timestamp();
    const entries = read.map((result): EntryResult | undefined =>
      result.kind === 'entry' && (result.expiresAt ?? Infinity) > now ? result : undefined,
    );
    // Above every version that the key has had: the shard has answered behind all of them. The key
    // is locked, so no other change of the key takes the version first.
    const versions = names.map(({ key }) => sequencer.queueOf(key).nextSeq);
    return { entries, versions, now };
  }

  /** In the order of the shards. */
  #changesByShard(
    names: readonly EntryName[],
    { versions }: TransactionMoment,
    { changes, flush = [] }: PlannedChanges<unknown>,
  ): ChangesOfShard[] {
    const { sequencer } = this.#options;
    const byShard = new Map<ShardQueue, ChangesOfShard & { readonly changes: EntryChange[] }>();
    for (const queue of flush.length > 0 ? sequencer.queues : []) {
      byShard.set(queue, { queue, version: queue.nextSeq, flush, changes: [] });
    }
    for (const [index, { namespace, key }] of names.entries()) {
      const change = changes[index];
      if (change === undefined) continue;
      const queue = sequencer.queueOf(key);
      const version = versions[index] ?? 0;
      const ofShard = byShard.get(queue) ?? { queue, version, flush, changes: [] };
      byShard.set(queue, ofShard);
      ofShard.changes.push({ namespace, key, put: change === 'delete' ? undefined : change });
    }
    return [...byShard.values()].toSorted((a, b) => a.queue.shard - b.queue.shard);
  }

  /** @returns undefined once the changes are made */
  async #changeOne(
    changes: ChangesOfShard,
    { validUntil, synced, reserved }: ChangeOptions,
  ): Promise<RefusedResult | typeof stale | undefined> {
    const answer = await this.#options.sequencer.change(changes, validUntil, synced);
    reserved.settle(changes.queue.shard, answer);
    if (answer.kind === 'refused') return answer;
    return answer.kind === 'stale' ? stale : undefined;
  }
}

/** Earliest expiry among the entries that were read: the plan is valid only before then. */
function firstExpiryOf({ entries }: TransactionMoment): number {
  let first = Number.MAX_SAFE_INTEGER;
  for (const entry of entries) first = Math.min(first, entry?.expiresAt ?? first);
  return first;
}
