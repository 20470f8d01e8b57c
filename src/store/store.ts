// The one interface between front ends and engines. Knows neither of them.
import type { StoreError } from '../base/errors.ts';
import type { MaybePromise } from '../base/maybe-promise.ts';
import type { Authorization, TransactionName } from './authorization.ts';
import type { CommandOperation, EntryName, Operation, ReadOperation } from './operation.ts';
import type { KeyRange, ListPage, ListQuery } from './listing.ts';
import type { Quota } from './quota.ts';
import type { Durability, ReplyResult, Result, Sight } from './result.ts';
import type { NamespaceFigures, NamespaceUsage, StoreStatus } from './store-status.ts';
import type { TransactionPlan, TransactionResult } from './transaction.ts';

export interface SubmitOptions {
  /** Called for each value that comes back, with its bytes; a returned error refuses the value. */
  readonly reserveReplyBytes?: ((bytes: number) => StoreError | undefined) | undefined;
  /** Asked for each operation in the turn in which it gets its place. Absent: all is allowed. */
  readonly authorization?: Authorization;
}

export interface TransactOptions extends SubmitOptions {
  /**
   * True: all other operations wait meanwhile, and not only those on the named keys. A list of
   * namespaces: all other operations on these namespaces wait, besides those on the named keys.
   */
  readonly alone?: boolean | readonly string[];
  /** True: the changes are on stable storage before the answer, in every fsync mode. */
  readonly synced?: boolean;
}

export interface BackupOptions {
  /** The only namespace that the backup has; undefined: it has all of the store. */
  readonly namespace?: string | undefined;
}

export interface Store {
  /** The durability of an acknowledged write. */
  readonly durability: Durability;

  /**
   * The time by which entries expire: Unix milliseconds, never below an earlier time. After a restart
   * it goes on from the last write at the earliest.
   */
  timestamp(): number;

  /**
   * Carries out one operation. Answers at once if possible (a direct read), else by a promise.
   * Never throws or rejects for an expected failure: the result is then `refused`.
   */
  submit(operation: Operation, options?: SubmitOptions): MaybePromise<Result>;

  /**
   * Carries out many operations, each on its own; not atomic. Operations on one key take effect in
   * order. Gives one result an operation, in order. Answers at once if it can, as `submit` does.
   */
  submitAll(operations: readonly Operation[], options?: SubmitOptions): MaybePromise<Result[]>;

  /**
   * One page of a listing, taken at one moment over all shards.
   *
   * @throws StoreError if a shard does not serve, or has no room in its queue
   */
  list(query: ListQuery): Promise<ListPage>;

  /**
   * Counts the entries of a namespace that have not expired, at one moment.
   *
   * @param within as in `ListQuery`
   * @throws StoreError if a shard does not serve, or has no room in its queue
   */
  count(namespace: string, within?: readonly KeyRange[]): Promise<number>;

  /**
   * The figures of these namespaces, at one moment, in the order of the names. Costs the same
   * whatever a namespace holds.
   *
   * @param namespaces undefined: all namespaces that have entries, sorted by bytes
   * @throws StoreError if a shard does not serve, or has no room in its queue
   */
  measure(namespaces?: readonly string[]): Promise<readonly NamespaceFigures[]>;

  /**
   * Reads all these names at one moment. Gives one result a name, in order: an entry with its
   * value, missing, or refused.
   */
  getMany(names: readonly EntryName[], options?: SubmitOptions): Promise<Result[]>;

  /**
   * Reads all these entries, has `plan` compute the changes, and makes all or none, through every
   * crash. All changes happen at one moment: no reader sees some of them without the others. Other
   * callers' operations on these entries wait meanwhile. Never rejects for an expected failure.
   *
   * @param names each once
   * @throws whatever `plan` throws, with nothing changed
   */
  transact<Output>(
    names: readonly TransactionName[],
    plan: TransactionPlan<Output>,
    options?: TransactOptions,
  ): Promise<TransactionResult<Output>>;

  /**
   * All entries at one moment over all shards, or those of one namespace, as the bytes of a backup
   * (src/storage/FORMAT.md). A namespace without entries gives a backup without entries.
   * The pieces are about 1 MiB each, and are made as the reader takes them. A reader that stops
   * before the end calls `return`. An iteration that fails has given no whole backup. The method is
   * absent if the engine takes none.
   *
   * @throws StoreError OVERLOADED if a backup is running; SHARD_UNAVAILABLE if a shard does not serve
   */
  backup?(options?: BackupOptions): Promise<AsyncIterable<Uint8Array>>;

  /**
   * Bounds the namespace, from now on. Resolves once every write counts that was sent before. Whatever
   * else the store keeps for the namespace counts to it. The method is absent if the engine keeps no
   * quotas.
   */
  setQuota?(namespace: string, quota: Quota): Promise<void>;

  /**
   * How much counts for the namespace, as the shards have told last. Absent if the engine keeps no
   * quotas.
   */
  usageOf?(namespace: string): NamespaceUsage;

  status(): StoreStatus;

  /** Answers queued operations, syncs, leaves a durable mark; refuses later operations. */
  close(): Promise<void>;
}

/** A store for servers: it also carries out commands, and tells of changes. */
export interface CommandStore extends Store {
  /**
   * Shows the entry as a read finds it now, which may be within this call. Then shows it after each
   * operation that may have changed it, and once it has expired, until the watch ends. The same state
   * may be shown again. A later state is never left out for good. Later sights have the value even if
   * the read has not asked for it. The authorization judges the first read alone. Only the sight of
   * that read can be `refused`.
   *
   * @param onSight called within other operations' answers; must not throw
   * @returns ends the watch
   */
  watch(read: ReadOperation, onSight: (sight: Sight) => void, options?: SubmitOptions): () => void;

  /** True if one command may name all these keys. */
  areOnOneShard(keys: readonly string[]): boolean;

  /**
   * Like `submitAll`, with commands among the operations. A `get` may be answered by a reply with the
   * value.
   */
  submitCommands(
    operations: readonly (Operation | CommandOperation)[],
    options?: SubmitOptions,
  ): MaybePromise<(Result | ReplyResult)[]>;
}
