// The embedded engine as a `Store`, in the main thread. An operation waits here for the locks of
// its keys, and then goes through the sequencer. Knows no file and no thread.
import type { TimestampClock } from '../base/clock.ts';
import { StoreError } from '../base/errors.ts';
import { andThen, type MaybePromise } from '../base/maybe-promise.ts';
import { namespacesCountedTo } from '../base/namespace-name.ts';
import type { ShardOperation, ShardResult } from '../protocol/shard-operation.ts';
import { refusalOf, refusalOfNames, type TransactionName } from '../store/authorization.ts';
import type { KeyRange, ListPage, ListQuery } from '../store/listing.ts';
import { namesOf, type EntryName, type Operation, type ReadOperation } from '../store/operation.ts';
import {
  transactionOfCommand,
  transactionOfPut,
  type OperationTransaction,
} from '../store/operation-transaction.ts';
import type { Quota } from '../store/quota.ts';
import type { Durability, RefusedResult, ReplyResult, Result } from '../store/result.ts';
import type { TransactionPlan, TransactionResult } from '../store/transaction.ts';
import type {
  BackupOptions,
  CommandStore,
  SubmitOptions,
  TransactOptions,
} from '../store/store.ts';
import type { NamespaceFigures, NamespaceUsage, StoreStatus } from '../store/store-status.ts';
import type { Backups } from './background/backups.ts';
import type { CompactionScheduler } from './background/compaction-scheduler.ts';
import type { KeyLocks } from './key-locks.ts';
import { sightOf, type OnSight } from './key-watches.ts';
import { mergeFigures } from './merge-figures.ts';
import { mergePages } from './merge-pages.ts';
import type { ReservedWrites } from './quotas/reserved-writes.ts';
import { ReplyCollector } from './reply-collector.ts';
import {
  resultOf,
  resultOrReplyOf,
  type AnyOperation,
  type Complete,
  type Sequencer,
} from './sequencer.ts';
import type { ShardClient } from './shard/shard-client.ts';
import type { TransactionRunner } from './transactions/transaction-runner.ts';
import type { ArrivingWork, Turns } from './turns/turns.ts';

export interface RouterOptions {
  readonly durability: Durability;
  readonly clock: TimestampClock;
  readonly locks: KeyLocks;
  readonly sequencer: Sequencer;
  readonly turns: Turns;
  readonly writes: ReservedWrites;
  readonly transactions: TransactionRunner;
  readonly compactions: CompactionScheduler;
  readonly backups: Backups;
  readonly onClosing: () => void;
  /** Called once everything is durable and closed. */
  readonly onClosed: () => void;
}

const noOptions: SubmitOptions = {};

/** Reads an entry directly, as of the timestamp `now`; undefined if that cannot be. */
type DirectRead<Kind> = (operation: AnyOperation, now: number) => Kind | undefined;

/** The kind of the answers that a caller gets. */
interface AnswersOfKind<Kind extends Result | ReplyResult> {
  readonly read: DirectRead<Kind>;
  readonly asKind: (answer: ShardResult) => Kind;
}

/** Operations that one caller has submitted together. */
interface SubmittedBatch<Kind extends Result | ReplyResult> {
  readonly operations: readonly AnyOperation[];
  readonly options: SubmitOptions;
  readonly answers: AnswersOfKind<Kind>;
  readonly collector: ReplyCollector<Kind | RefusedResult>;
}

/** Bytes that cost a shard as much as one more operation. */
const bytesPerUnit = 2048;

function unitsOf(operation: AnyOperation): number {
  return operation.op === 'put' ? 1 + operation.value.length / bytesPerUnit : 1;
}

function namespaceOf(names: readonly EntryName[], { alone }: TransactOptions): string {
  const [first] = typeof alone === 'object' ? alone : [];
  return names[0]?.namespace ?? first ?? '';
}

function refusedBy(error: StoreError): RefusedResult {
  return { kind: 'refused', error };
}

export class Router implements CommandStore {
  readonly durability: Durability;
  readonly #options: RouterOptions;
  readonly #shards: readonly ShardClient[];
  readonly #locks: KeyLocks;
  readonly #sequencer: Sequencer;
  #closing: Promise<void> | undefined;

  /** @param shards by number, serving */
  constructor(shards: readonly ShardClient[], options: RouterOptions) {
    this.#shards = shards;
    this.#options = options;
    this.#locks = options.locks;
    this.#sequencer = options.sequencer;
    this.durability = options.durability;
  }

  timestamp(): number {
    return this.#options.clock.timestamp();
  }

  submit(operation: Operation, options: SubmitOptions = noOptions): MaybePromise<Result> {
    const { authorization } = options;
    const { turns } = this.#options;
    const refusal = refusalOf(operation, authorization);
    // A refused operation takes no place among those that wait, and learns of no lock.
    if (refusal !== undefined) return refusedBy(refusal);
    const isLocked = this.#isLocked(operation);
    if (!isLocked) {
      const read = this.#sequencer.read(operation, this.timestamp());
      if (read !== undefined) return read;
    }
    return new Promise((resolve) => {
      const { shard } = this.#sequencer.queueOf(operation.key);
      if (turns.isOpen(shard)) {
        this.#place(operation, options, resolve);
        return;
      }
      turns.wait(shard, {
        namespace: operation.namespace,
        units: unitsOf(operation),
        place: () => {
          // The caller may have lost its rights meanwhile.
          const error = refusalOf(operation, authorization);
          if (error === undefined) this.#place(operation, options, resolve);
          else resolve(refusedBy(error));
        },
        refuse: (error) => resolve(refusedBy(error)),
      });
    });
  }

  submitAll(
    operations: readonly Operation[],
    options: SubmitOptions = noOptions,
  ): MaybePromise<Result[]> {
    const read: DirectRead<Result> = (operation, now) => this.#sequencer.read(operation, now);
    return this.#submitAll(operations, options, { read, asKind: resultOf });
  }

  areOnOneShard(keys: readonly string[]): boolean {
    if (keys.length < 2) return true;
    const [first = '', ...rest] = keys;
    const queue = this.#sequencer.queueOf(first);
    return rest.every((key) => this.#sequencer.queueOf(key) === queue);
  }

  submitCommands(
    operations: readonly AnyOperation[],
    options: SubmitOptions = noOptions,
  ): MaybePromise<(Result | ReplyResult)[]> {
    const read: DirectRead<Result | ReplyResult> = (operation, now) =>
      this.#sequencer.readReply(operation, now);
    return this.#submitAll(operations, options, { read, asKind: resultOrReplyOf });
  }

  async getMany(
    names: readonly EntryName[],
    { reserveReplyBytes, authorization }: SubmitOptions = noOptions,
  ): Promise<Result[]> {
    const collector = new ReplyCollector<Result>(names.length, reserveReplyBytes);
    const refuse = (refused: RefusedResult): void => {
      for (const index of names.keys()) collector.complete(index, refused);
    };
    const readAll = (): void => this.#sequencer.readAt(names, collector, true, authorization);
    const mayRead = (name: EntryName): boolean => authorization?.refusalOfRead(name) === undefined;
    // Waits for all locks before any read is queued: a holder may be about to change several names.
    const place = (): void =>
      this.#whenFree(this.#locks.areIdle ? [] : names.filter(mayRead), readAll, refuse);
    const [first] = names;
    this.#inTurn({ namespace: first?.namespace ?? '', units: names.length, place }, refuse);
    return await collector.results;
  }

  transact<Output>(
    names: readonly TransactionName[],
    plan: TransactionPlan<Output>,
    options: TransactOptions = noOptions,
  ): Promise<TransactionResult<Output>> {
    const { transactions, turns } = this.#options;
    const error = turns.isWideOpen ? undefined : refusalOfNames(names, options.authorization);
    if (turns.isWideOpen || error !== undefined) return transactions.run(names, plan, options);
    return new Promise((resolve, reject) => {
      const place = (): void => void transactions.run(names, plan, options).then(resolve, reject);
      const namespace = namespaceOf(names, options);
      this.#inTurn({ namespace, units: Math.max(1, names.length), place }, resolve);
    });
  }

  watch(read: ReadOperation, onSight: OnSight, options?: SubmitOptions): () => void {
    // Before the read: no change may come between the two.
    const watch = this.#sequencer.watches.add(read, onSight);
    void andThen(this.submit(read, options), (result) => watch.show(sightOf(result)));
    return watch.end;
  }

  async list(query: ListQuery): Promise<ListPage> {
    const answers = await this.#askAll(query.namespace, (now) => ({ op: 'list', query, now }));
    const pages = answers.map((answer) => {
      if (answer.kind !== 'page') throw new Error(`a list was answered by a ${answer.kind}`);
      return answer;
    });
    return mergePages(pages, query);
  }

  async count(namespace: string, within?: readonly KeyRange[]): Promise<number> {
    const answers = await this.#askAll(namespace, (now) => ({
      op: 'count',
      namespace,
      within,
      now,
    }));
    return answers.reduce((sum, answer) => {
      if (answer.kind !== 'count') throw new Error(`a count was answered by a ${answer.kind}`);
      return sum + answer.count;
    }, 0);
  }

  async measure(namespaces?: readonly string[]): Promise<readonly NamespaceFigures[]> {
    const [first = ''] = namespaces ?? [];
    const answers = await this.#askAll(first, () => ({ op: 'measure', namespaces }));
    const parts = answers.map((answer) => {
      if (answer.kind !== 'figures') throw new Error(`a measure was answered by a ${answer.kind}`);
      return answer.figures;
    });
    return mergeFigures(parts, namespaces);
  }

  backup(options?: BackupOptions): Promise<AsyncIterable<Uint8Array>> {
    return this.#options.backups.take(options);
  }

  async setQuota(namespace: string, quota: Quota): Promise<void> {
    if (!this.#options.writes.setQuota(namespace, quota)) return;
    // Holders of locks may have planned changes that reserve nothing.
    await this.#locks.holdNamespaces(namespacesCountedTo(namespace), [], async () => {
      const behind = { op: 'measure', namespaces: [] } as const;
      await Promise.all(this.#sequencer.queues.map((queue) => this.#sequencer.ask(queue, behind)));
    });
  }

  usageOf(namespace: string): NamespaceUsage {
    return this.#options.writes.usageOf(namespace);
  }

  status(): StoreStatus {
    const { sequencer, transactions, compactions, turns } = this.#options;
    return {
      shards: this.#shards.map((shard) => shard.status),
      reads: sequencer.reads,
      turnWaiters: turns.waiting,
      transactions: transactions.figures,
      compactions: compactions.figures,
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { turns, compactions, backups, onClosing, onClosed } = this.#options;
    onClosing();
    turns.close();
    await Promise.all([compactions.close(), backups.close()]);
    // Waits for all shards: the folder's lock must not be released while a shard still writes.
    const closed = await Promise.allSettled(this.#shards.map((shard) => shard.close()));
    onClosed();
    for (const result of closed) if (result.status === 'rejected') throw result.reason;
  }

  #submitAll<Kind extends Result | ReplyResult>(
    operations: readonly AnyOperation[],
    options: SubmitOptions,
    answers: AnswersOfKind<Kind>,
  ): MaybePromise<(Kind | RefusedResult)[]> {
    const collector = new ReplyCollector<Kind | RefusedResult>(
      operations.length,
      options.reserveReplyBytes,
    );
    const batch = { operations, options, answers, collector };
    const { turns } = this.#options;
    if (turns.isWideOpen) {
      this.#submitFrom(0, batch);
      return collector.results;
    }
    const [first] = operations;
    const units = operations.reduce((sum, operation) => sum + unitsOf(operation), 0);
    const place = (): void => this.#submitFrom(0, batch);
    this.#inTurn({ namespace: first?.namespace ?? '', units, place }, (refused) => {
      for (const index of operations.keys()) collector.complete(index, refused);
    });
    return collector.results;
  }

  #isLocked(operation: Operation): boolean {
    return !this.#locks.areIdle && this.#locks.isHeld(operation);
  }

  /** The operation has its turn. If its key is locked, it waits once more: for that lock. */
  #place(operation: Operation, options: SubmitOptions, resolve: (result: Result) => void): void {
    const { writes } = this.#options;
    const isLocked = this.#isLocked(operation);
    const enqueue = (): void => {
      const error = isLocked ? refusalOf(operation, options.authorization) : undefined;
      if (error !== undefined) resolve(refusedBy(error));
      else if (!writes.enqueue(operation, (answer) => resolve(resultOf(answer)))) {
        void this.#carryOutAlone(operation, options).then((result) => resolve(resultOf(result)));
      }
    };
    if (isLocked) void this.#enqueueLocked([operation], enqueue, resolve);
    else enqueue();
  }

  /** Gives the work its places in several queues: at once, or in its turn. */
  #inTurn(work: Omit<ArrivingWork, 'refuse'>, refuse: (refused: RefusedResult) => void): void {
    const { turns } = this.#options;
    if (turns.isWideOpen) work.place();
    else turns.waitWide({ ...work, refuse: (error) => refuse(refusedBy(error)) });
  }

  /**
   * Asks all shards at one moment, in the turn of the namespace.
   *
   * @param operationAt gets the timestamp of that turn
   * @throws StoreError as `Sequencer.askAll` does; OVERLOADED
   */
  async #askAll(
    namespace: string,
    operationAt: (now: number) => ShardOperation,
  ): Promise<ShardResult[]> {
    return await new Promise((resolve, reject) => {
      const place = (): void =>
        void this.#sequencer.askAll(operationAt(this.timestamp())).then(resolve, reject);
      this.#inTurn({ namespace, units: 1, place }, ({ error }) => reject(error));
    });
  }

  /** Queues the operations from this index on, in one turn if all of them have room. */
  #submitFrom<Kind extends Result | ReplyResult>(from: number, batch: SubmittedBatch<Kind>): void {
    const { operations, options, collector } = batch;
    const { authorization } = options;
    const enqueueAll = (): void => {
      const end = this.#enqueueFrom(from, batch);
      if (end < operations.length) void this.#submitAlone(end, batch);
    };
    const refuseAll = (refused: RefusedResult): void => {
      for (let index = from; index < operations.length; index++) collector.complete(index, refused);
    };
    // Makes the names only if a caller holds a lock: most requests do not need them.
    if (this.#locks.areIdle) {
      enqueueAll();
    } else {
      const left = from === 0 ? operations : operations.slice(from);
      const allowed = left.filter((each) => refusalOf(each, authorization) === undefined);
      this.#whenFree(allowed.flatMap(namesOf), enqueueAll, refuseAll);
    }
  }

  /** @returns the index of the first operation that has to be carried out alone */
  #enqueueFrom<Kind extends Result | ReplyResult>(
    from: number,
    { operations, options, answers, collector }: SubmittedBatch<Kind>,
  ): number {
    const { authorization } = options;
    const { writes } = this.#options;
    const { read, asKind } = answers;
    const now = this.timestamp();
    for (let index = from; index < operations.length; index++) {
      const operation = operations[index];
      if (operation === undefined) break;
      const error = refusalOf(operation, authorization);
      const known = error === undefined ? read(operation, now) : refusedBy(error);
      if (known !== undefined) {
        collector.complete(index, known);
        continue;
      }
      const complete: Complete = (answer) => collector.complete(index, asKind(answer));
      if (!writes.enqueue(operation, complete)) return index;
    }
    return operations.length;
  }

  /** The operations behind this one wait: each sees those before it. */
  async #submitAlone<Kind extends Result | ReplyResult>(
    index: number,
    batch: SubmittedBatch<Kind>,
  ): Promise<void> {
    const { operations, options, answers, collector } = batch;
    const operation = operations[index];
    if (operation === undefined) throw new Error('an operation that waits is one of the batch');
    collector.complete(index, answers.asKind(await this.#carryOutAlone(operation, options)));
    this.#submitFrom(index + 1, batch);
  }

  /** Carries out a write that may find no room in its namespace, as a transaction. */
  async #carryOutAlone(
    operation: AnyOperation,
    options: SubmitOptions,
  ): Promise<Result | ReplyResult> {
    if (operation.op === 'put') {
      return await this.#runAlone<Result>(transactionOfPut(operation), options);
    }
    if (operation.op !== 'command') throw new Error(`a ${operation.op} needs no room`);
    return await this.#runAlone<ReplyResult>(transactionOfCommand(operation, noOptions), options);
  }

  async #runAlone<Kind>(
    { names, plan }: OperationTransaction<Kind>,
    { authorization }: SubmitOptions,
  ): Promise<Kind | RefusedResult> {
    // Neither its reads nor its reply are counted here: the caller counts the reply.
    const asCaller = authorization === undefined ? noOptions : { authorization };
    const result = await this.#options.transactions.run(names, plan, asCaller);
    return result.kind === 'refused' ? result : result.output(result.durability ?? this.durability);
  }

  /** Queues at once if no caller holds one of these locks; else once all of them are free. */
  #whenFree(
    names: readonly EntryName[],
    enqueue: () => void,
    refuse: (refused: RefusedResult) => void,
  ): void {
    if (this.#locks.areIdle || !names.some((name) => this.#locks.isHeld(name))) enqueue();
    else void this.#enqueueLocked(names, enqueue, refuse);
  }

  /** Takes all these locks, and holds them only until each operation has its place in its queue. */
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
}
