// The embedded engine as the main thread sees it: key -> slot -> shard, locks, cache, and the one
// place where operations are put in order. Knows no thread and no file.
//
// Whatever must be one moment over several shards (a page, a count) is put into all their queues
// in one synchronous turn: every shard then sees it in the same place in its order.
import type { StampClock } from '../base/clock.ts';
import { StoreError } from '../base/errors.ts';
import type { FsyncMode } from '../base/fsync-mode.ts';
import type {
  CutOperation,
  LookOperation,
  ShardOperation,
  ShardResult,
} from '../protocol/shard-operation.ts';
import type { BeginBackupTask, ShardLocation } from '../protocol/shard-task.ts';
import type { ListPage, ListQuery } from '../store/listing.ts';
import {
  isWrite,
  namesOf,
  type CommandOperation,
  type EntryName,
  type GetOperation,
  type Operation,
} from '../store/operation.ts';
import type { Durability, RefusedResult, ReplyResult, Result } from '../store/result.ts';
import { shardOfSlot, slotOfKey } from '../store/slot.ts';
import type { Decide, TransactionResult } from '../store/transaction.ts';
import type {
  CommandStore,
  ExclusiveSession,
  StoreStatus,
  SubmitOptions,
  TransactOptions,
} from '../store/store.ts';
import type { BackupRunner } from './backup-runner.ts';
import type { CompactionScheduler } from './compaction-scheduler.ts';
import { KeyLocks } from './key-locks.ts';
import { mergePages } from './merge-pages.ts';
import type { ReadCache } from './read-cache.ts';
import { ReplyCollector } from './reply-collector.ts';
import type { ShardClient } from './shard-client.ts';
import { Ticket } from './ticket.ts';
import { TransactionCoordinator } from './transaction-coordinator.ts';

export interface RouterOptions {
  readonly fsync: FsyncMode;
  readonly clock: StampClock;
  readonly cache: ReadCache;
  readonly compactions: CompactionScheduler;
  readonly backups: BackupRunner;
  /** By shard. */
  readonly locations: readonly ShardLocation[];
  /** Unix milliseconds. */
  readonly wallMs: () => number;
  readonly onClosing: () => void;
  /** Called once everything is durable and closed. */
  readonly onClosed: () => void;
  /** As for TransactionCoordinator. */
  readonly newTransactionId: () => string;
  readonly transactionsUnderWay: Set<string>;
}

type Settle = (result: ShardResult) => void;
type AnyOperation = Operation | CommandOperation;

/** A shard answers in kind: what it was asked as an operation it answers as a result. */
function asResult(result: ShardResult): Result {
  const known = asResultOrReply(result);
  if (known.kind === 'reply') throw new Error('an operation was answered by a reply');
  return known;
}

function asResultOrReply(result: ShardResult): Result | ReplyResult {
  const { kind } = result;
  if (
    kind === 'page' ||
    kind === 'count' ||
    kind === 'done' ||
    kind === 'stale' ||
    kind === 'cut'
  ) {
    throw new Error(`an operation was answered by a ${kind}`);
  }
  return result;
}

export class Router implements CommandStore {
  readonly durability: Durability;
  readonly #options: RouterOptions;
  readonly #shards: readonly ShardClient[];
  readonly #locks = new KeyLocks();
  readonly #cache: ReadCache;
  readonly #transactions: TransactionCoordinator;
  #closing: Promise<void> | undefined;

  /** @param shards by number, serving */
  constructor(shards: readonly ShardClient[], options: RouterOptions) {
    this.#shards = shards;
    this.#options = options;
    this.#cache = options.cache;
    this.durability = options.fsync === 'always' ? 'synced' : 'written';
    this.#transactions = new TransactionCoordinator({
      locks: this.#locks,
      shards: this.#shards,
      shardOf: (key) => this.#shardOf(key),
      read: (names, limits) => this.#readForChange(names, limits),
      onChangeQueued: (name) => this.#cache.writeQueued(name),
      onFlushQueued: () => this.#cache.flushQueued(),
      stamp: () => options.clock.stamp(),
      durability: this.durability,
      newId: options.newTransactionId,
      underWay: options.transactionsUnderWay,
    });
  }

  submit(operation: Operation): Result | Promise<Result> {
    if (!this.#locks.areIdle && this.#locks.isHeld(operation)) {
      return new Promise((resolve) => {
        const enqueue = (): void => this.#enqueue(operation, (result) => resolve(asResult(result)));
        void this.#enqueueLocked([operation], enqueue, resolve);
      });
    }
    const cached = this.#cached(operation);
    if (cached !== undefined) return cached;
    return new Promise((resolve) => {
      this.#enqueue(operation, (result) => resolve(asResult(result)));
    });
  }

  submitAll(operations: readonly Operation[], options: SubmitOptions = {}): Promise<Result[]> {
    return this.#submitAll(operations, options, asResult);
  }

  areTogether(keys: readonly string[]): boolean {
    const shards = new Set(keys.map((key) => this.#shardOf(key)));
    return shards.size <= 1;
  }

  submitCommands(
    operations: readonly AnyOperation[],
    options: SubmitOptions = {},
  ): Promise<(Result | ReplyResult)[]> {
    return this.#submitAll(operations, options, asResultOrReply);
  }

  #submitAll<Kind extends Result | ReplyResult>(
    operations: readonly AnyOperation[],
    options: SubmitOptions,
    asKind: (result: ShardResult) => Kind,
  ): Promise<(Kind | RefusedResult)[]> {
    const collector = new ReplyCollector<Kind>(operations.length, options.refuseValue);
    const settleAt =
      (index: number): Settle =>
      (result) =>
        collector.settle(index, asKind(result));
    const enqueueAll = (): void => {
      for (const [index, operation] of operations.entries()) {
        const settle = settleAt(index);
        const cached = this.#cached(operation);
        if (cached === undefined) this.#enqueue(operation, settle);
        else settle(cached);
      }
    };
    if (this.#locks.areIdle || !operations.some((operation) => this.#isHeld(operation))) {
      enqueueAll();
    } else {
      const refuseAll = (refused: RefusedResult): void => {
        for (const index of operations.keys()) settleAt(index)(refused);
      };
      void this.#enqueueLocked(operations.flatMap(namesOf), enqueueAll, refuseAll);
    }
    return collector.results;
  }

  getTogether(names: readonly EntryName[], { refuseValue }: SubmitOptions = {}): Promise<Result[]> {
    const collector = new ReplyCollector<Result>(names.length, refuseValue);
    const look = (): void => this.#lookAt(names, collector, (operation) => this.#cached(operation));
    if (this.#locks.areIdle || !names.some((name) => this.#locks.isHeld(name))) {
      look();
    } else {
      // All of them, until all are queued: what holds one of them may be about to change others.
      void this.#enqueueLocked(names, look, (refused) => {
        for (const index of names.keys()) collector.settle(index, refused);
      });
    }
    return collector.results;
  }

  transact<Outcome>(
    names: readonly EntryName[],
    decide: Decide<Outcome>,
    options: TransactOptions = {},
  ): Promise<TransactionResult<Outcome>> {
    return this.#transactions.run(names, decide, options);
  }

  async list(query: ListQuery): Promise<ListPage> {
    const parts = await this.#askAll({ op: 'list', query, now: this.#options.clock.stamp() });
    return mergePages(
      parts.map((part) => {
        if (part.kind !== 'page') throw new Error(`a list was answered by a ${part.kind}`);
        return part;
      }),
      query,
    );
  }

  backup(): Promise<AsyncIterable<Uint8Array>> {
    const { backups, compactions } = this.#options;
    // No file of the cut may be replaced and removed before it is opened.
    return compactions.whileHeld(() => backups.begin(() => this.#cut()));
  }

  async count(namespace: string): Promise<number> {
    const parts = await this.#askAll({ op: 'count', namespace, now: this.#options.clock.stamp() });
    return parts.reduce((sum, part) => {
      if (part.kind !== 'count') throw new Error(`a count was answered by a ${part.kind}`);
      return sum + part.count;
    }, 0);
  }

  exclusive<T>(
    entries: readonly EntryName[],
    work: (session: ExclusiveSession) => Promise<T>,
  ): Promise<T> {
    const submit = (operation: Operation): Promise<Result> =>
      new Promise((resolve) => {
        this.#enqueue(operation, (result) => resolve(asResult(result)));
      });
    return this.#locks.hold(entries, () => work({ submit }));
  }

  status(): StoreStatus {
    return {
      shards: this.#shards.map((shard) => shard.status),
      cache: this.#cache.figures,
      transactions: this.#transactions.figures,
      compactions: this.#options.compactions.figures,
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#options.onClosing();
    await Promise.all([this.#options.compactions.close(), this.#options.backups.close()]);
    // All of them first: the folder must not be let go of while a shard still writes.
    const closed = await Promise.allSettled(this.#shards.map((shard) => shard.close()));
    this.#options.onClosed();
    for (const result of closed) if (result.status === 'rejected') throw result.reason;
  }

  /** Queued together, they are what stands at one moment, by whose time deadlines are judged. */
  #lookAt(
    names: readonly EntryName[],
    collector: ReplyCollector<Result>,
    cached: (operation: Operation) => Result | undefined,
  ): void {
    const now = this.#options.clock.stamp();
    for (const [index, { namespace, key }] of names.entries()) {
      const settle: Settle = (result) => collector.settle(index, asResult(result));
      const known = cached({ op: 'get', namespace, key });
      if (known === undefined) this.#enqueueRead({ op: 'look', namespace, key, now }, settle);
      else settle(known);
    }
  }

  /** Past the cache, so that the answers come behind all that was queued. */
  #readForChange(names: readonly EntryName[], { refuseValue }: SubmitOptions): Promise<Result[]> {
    const collector = new ReplyCollector<Result>(names.length, refuseValue);
    this.#lookAt(names, collector, () => undefined);
    return collector.results;
  }

  #cached(operation: AnyOperation): Result | undefined {
    if (operation.op !== 'get' && operation.op !== 'head') return undefined;
    const entry = this.#cache.get(operation, this.#options.clock.stamp());
    return operation.op === 'get' || entry === undefined ? entry : { ...entry, value: undefined };
  }

  #shardOf(key: string): ShardClient {
    const shard = this.#shards[shardOfSlot(slotOfKey(key), this.#shards.length)];
    if (shard === undefined) throw new Error('every slot has a shard');
    return shard;
  }

  /** Puts an operation behind all that its shard was asked before. */
  #enqueue(operation: AnyOperation, settle: Settle): void {
    const cache = this.#cache;
    if (isWrite(operation)) {
      if (operation.op !== 'command') cache.writeQueued(operation);
      else for (const name of namesOf(operation)) cache.writeQueued(name);
    }
    if (operation.op === 'get') this.#enqueueRead(operation, settle);
    else this.#shardOf(operation.key).enqueue(new Ticket(operation, settle));
  }

  /** The same for what fills the cache. */
  #enqueueRead(operation: GetOperation | LookOperation, settle: Settle): void {
    const cache = this.#cache;
    const pending = cache.readQueued(operation);
    const settleRead = (answer: ShardResult): void => {
      cache.readAnswered(operation, pending, asResult(answer));
      settle(answer);
    };
    this.#shardOf(operation.key).enqueue(new Ticket(operation, settleRead));
  }

  #isHeld(operation: AnyOperation): boolean {
    return namesOf(operation).some((name) => this.#locks.isHeld(name));
  }

  /** Waits for all these locks, and holds them only until everything has its place in its queue. */
  async #enqueueLocked(
    names: readonly EntryName[],
    enqueue: () => void,
    refuse: (refused: RefusedResult) => void,
  ): Promise<void> {
    try {
      await this.#locks.hold(names, enqueue);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      refuse({ kind: 'refused', error });
    }
  }

  /** Seals what all shards hold at one moment, as a page is one. */
  async #cut(): Promise<BeginBackupTask> {
    const { locations, clock, wallMs } = this.#options;
    const cuts = await this.#askAll({ op: 'cut' });
    const parts = locations.map((location, shard) => {
      const cut = cuts[shard];
      if (cut?.kind !== 'cut') throw new Error(`a cut was answered by a ${cut?.kind}`);
      return { ...location, input: cut.parcel };
    });
    return { parts, at: clock.stamp(), createdAt: wallMs() };
  }

  /** Asks all shards at one moment, unless one has no room; one that does not serve says so. */
  async #askAll(operation: ShardOperation | CutOperation): Promise<ShardResult[]> {
    if (!this.#shards.every((shard) => shard.hasRoom(1, 0))) {
      throw new StoreError('OVERLOADED', 'Too many operations wait for a shard already.', {
        retryable: true,
        retryAfterMs: 1000,
      });
    }
    const answers = this.#shards.map(
      (shard) =>
        new Promise<ShardResult>((resolve) => shard.enqueue(new Ticket(operation, resolve))),
    );
    const results = await Promise.all(answers);
    for (const result of results) if (result.kind === 'refused') throw result.error;
    return results;
  }
}
