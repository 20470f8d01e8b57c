// The one interface between front ends and engines.
import type { StoreError } from '../base/errors.ts';
import type { Histogram } from '../base/histogram.ts';
import type { CommandOperation, EntryName, Operation } from './operation.ts';
import type { ListPage, ListQuery } from './listing.ts';
import type { Durability, ReplyResult, Result } from './result.ts';
import type { TransactionPlan, TransactionResult } from './transaction.ts';

/** `suspended`: it serves again by itself as soon as its disk works. `failed`: it does not. */
export type ShardState = 'opening' | 'serving' | 'suspended' | 'failed' | 'closed';

export interface ShardStatus {
  readonly shard: number;
  readonly state: ShardState;
  /** Why it does not serve; undefined while it does. */
  readonly reason: string | undefined;
  readonly entries: number;
  /** Keys and values, summed. */
  readonly bytes: number;
  /** What it keeps in memory, at most, and what it may keep: past that puts are refused. */
  readonly heapBytes: number;
  readonly heapBytesMax: number;
  readonly journalBytes: number;
  readonly snapshotBytes: number;
  readonly queueOperations: number;
  readonly queueBytes: number;
  /** Operations a batch, since the start. */
  readonly batchOperations: Histogram;
  /** Seconds a batch's sync took, since the start; batches without a sync do not count. */
  readonly syncSeconds: Histogram;
  /** Times the shard was opened; above 1 where its worker died. */
  readonly epoch: number;
  /** Torn ends of journals that were cut off, since the start. */
  readonly tornTails: number;
  /** The last put found no room on disk. */
  readonly isDiskFull: boolean;
}

export interface TransactionFigures {
  /** Those that have changed something. */
  readonly committed: number;
  /** Of these, in several shards. */
  readonly overShards: number;
  /** Nothing was changed. */
  readonly refused: number;
  /** Nobody can say. */
  readonly unknown: number;
}

/** Everything that health and metrics report; figures are as last heard from the shards. */
export interface StoreStatus {
  readonly shards: readonly ShardStatus[];
  readonly cache: {
    readonly hits: number;
    readonly misses: number;
    readonly entries: number;
    readonly bytes: number;
  };
  /** Since the start. */
  readonly transactions: TransactionFigures;
  readonly compactions: {
    readonly running: number;
    readonly completed: number;
    readonly failed: number;
  };
}

export interface SubmitOptions {
  /** Asked for each value that comes back: why it is refused instead, if it is. */
  readonly refuseValue?: (bytes: number) => StoreError | undefined;
}

export interface TransactOptions extends SubmitOptions {
  /** Everybody else is kept from all keys meanwhile, and not only from those it names. */
  readonly alone?: boolean;
}

export interface Store {
  /** What an acknowledged write has reached. */
  readonly durability: Durability;

  /**
   * Carries out one operation. Answers at once where it can (a cached read), else by a promise.
   * Never throws or rejects for an expected failure: that is a `refused` result.
   */
  submit(operation: Operation): Result | Promise<Result>;

  /**
   * Carries out many operations, each on its own; not atomic. Those on one key take effect in
   * order. One result an operation, in order.
   */
  submitAll(operations: readonly Operation[], options?: SubmitOptions): Promise<Result[]>;

  /**
   * One page of a listing, taken at one moment over all shards.
   *
   * @throws StoreError where a shard does not serve
   */
  list(query: ListQuery): Promise<ListPage>;

  /**
   * Entries of a namespace that have not expired, at one moment.
   *
   * @throws StoreError where a shard does not serve
   */
  count(namespace: string): Promise<number>;

  /**
   * What stands under all these names at one moment, one result a name, in order: an entry with its
   * value, missing, or refused.
   */
  getMany(names: readonly EntryName[], options?: SubmitOptions): Promise<Result[]>;

  /**
   * Reads all these entries, has `plan` compute the changes, and makes them: all at one moment, all or
   * none, through every crash. No reader sees some of them without the others. Operations of others on
   * these entries wait meanwhile. Never rejects for an expected failure.
   *
   * @param names each once
   * @throws whatever `plan` throws, with nothing changed
   */
  transact<Outcome>(
    names: readonly EntryName[],
    plan: TransactionPlan<Outcome>,
    options?: TransactOptions,
  ): Promise<TransactionResult<Outcome>>;

  /**
   * All entries at one moment over all shards, as the bytes of a backup (src/storage/FORMAT.md), in
   * pieces of about 1 MiB that are made as they are taken. Whoever stops before the end says so
   * (`return`); an iteration that fails has given no whole backup. Absent where an engine takes none.
   *
   * @throws StoreError OVERLOADED where one is being taken already
   */
  backup?(): Promise<AsyncIterable<Uint8Array>>;

  status(): StoreStatus;

  /** Answers what is queued, syncs, leaves a durable mark; refuses what comes later. */
  close(): Promise<void>;
}

/** A store that carries out commands, too. */
export interface CommandStore extends Store {
  /** Whether a command may be on all these keys at once. */
  areOnOneShard(keys: readonly string[]): boolean;

  /** The same as `submitAll`, with commands among the operations. */
  submitCommands(
    operations: readonly (Operation | CommandOperation)[],
    options?: SubmitOptions,
  ): Promise<(Result | ReplyResult)[]>;
}
