// The store as one request of one caller may use it, if the request leaves records in the audit log. Asks
// the log for room before an operation has an effect, and tells it the outcome. Judges no caller:
// authorized-store.ts does.
import { StoreError } from '../../base/errors.ts';
import type { MaybePromise } from '../../base/maybe-promise.ts';
import { isOfClient } from '../../locks/client-entry.ts';
import type { TransactionName } from '../../store/authorization.ts';
import type { ListPage, ListQuery } from '../../store/listing.ts';
import {
  isWrite,
  type CommandOperation,
  type EntryName,
  type Operation,
  type ReadOperation,
} from '../../store/operation.ts';
import type { Durability, RefusedResult, ReplyResult, Result, Sight } from '../../store/result.ts';
import type { BackupOptions, SubmitOptions, TransactOptions } from '../../store/store.ts';
import type { TransactionPlan, TransactionResult } from '../../store/transaction.ts';
import type { AuditedCommand, PlannedTransaction, RequestAudit } from '../audit/request-audit.ts';
import type { AuthorizedStore, StoreOfCaller } from './authorized-store.ts';
import type { CallerAuthorization, OnDenied } from './caller-authorization.ts';

/** Opens the store of the caller, and has the denials told. */
export type OpenStore = (onDenied: OnDenied) => AuthorizedStore;

function doNothing(): void {}

type AnyOperation = Operation | CommandOperation;

/** Tells the results of work, at once or later; `failed` gets an error that the work throws. */
function watch<T>(
  work: () => MaybePromise<T>,
  done: (result: T) => void,
  failed: (error: unknown) => void,
): MaybePromise<T> {
  try {
    const result = work();
    if (result instanceof Promise) return watchLate(result, done, failed);
    done(result);
    return result;
  } catch (error) {
    failed(error);
    throw error;
  }
}

async function watchLate<T>(
  work: Promise<T>,
  done: (result: T) => void,
  failed: (error: unknown) => void,
): Promise<T> {
  let result: T;
  try {
    result = await work;
  } catch (error) {
    failed(error);
    throw error;
  }
  done(result);
  return result;
}

/** The error of an operation that has failed for no expected reason is the server's fault. */
function refusedBy(error: unknown): RefusedResult {
  if (error instanceof StoreError) return { kind: 'refused', error };
  const unknown = new StoreError('INTERNAL', 'The operation failed.', { outcome: 'unknown' });
  return { kind: 'refused', error: unknown };
}

export class AuditedStore implements StoreOfCaller {
  readonly authorization: CallerAuthorization;
  readonly durability: Durability;
  readonly #audit: RequestAudit;
  readonly #open: OpenStore;
  readonly #store: AuthorizedStore;

  constructor(audit: RequestAudit, open: OpenStore) {
    this.#audit = audit;
    this.#open = open;
    this.#store = open(audit.noteDenied);
    this.authorization = this.#store.authorization;
    this.durability = this.#store.durability;
  }

  forCommands(commands: readonly AuditedCommand[]): StoreOfCaller {
    return new AuditedStore(this.#audit.forCommands(commands), this.#open);
  }

  submit(operation: Operation, options?: SubmitOptions): MaybePromise<Result> {
    const error = this.#refusalOf([operation]);
    if (error !== undefined) return { kind: 'refused', error };
    const note = (result: Result): void => this.#audit.noteOperation(operation, result);
    return watch(
      () => this.#store.submit(operation, options),
      note,
      (thrown) => note(refusedBy(thrown)),
    );
  }

  /** Leaves one record: of the entry as the watch has shown it last. */
  watch(read: ReadOperation, onSight: (sight: Sight) => void): () => void {
    const error = this.#audit.refusalOf('read');
    if (error !== undefined) {
      onSight({ kind: 'refused', error });
      return doNothing;
    }
    let last: Sight | undefined;
    const end = this.#store.watch(read, (sight) => {
      last = sight;
      onSight(sight);
    });
    return () => {
      end();
      if (last !== undefined) this.#audit.noteOperation(read, last);
      last = undefined;
    };
  }

  submitAll(operations: readonly Operation[], options?: SubmitOptions): MaybePromise<Result[]> {
    return this.#submitAll(
      operations,
      () => this.#store.submitAll(operations, options),
      (operation, result) => this.#audit.noteOperation(operation, result),
    );
  }

  submitCommands(
    operations: readonly AnyOperation[],
    options?: SubmitOptions,
  ): MaybePromise<(Result | ReplyResult)[]> {
    return this.#submitAll(
      operations,
      () => this.#store.submitCommands(operations, options),
      (operation, result) => this.#audit.noteCommand(operation, result),
    );
  }

  areOnOneShard(keys: readonly string[]): boolean {
    return this.#store.areOnOneShard(keys);
  }

  async list(query: ListQuery): Promise<ListPage> {
    this.#requireRoom('read');
    const page = await this.#store.list(query);
    this.#audit.noteListing('list', query.prefix);
    return page;
  }

  /** The deletes behind it leave the records. */
  listWritable(query: ListQuery): Promise<ListPage> {
    return this.#store.listWritable(query);
  }

  async count(namespace: string): Promise<number> {
    this.#requireRoom('read');
    const count = await this.#store.count(namespace);
    this.#audit.noteListing('count');
    return count;
  }

  async getMany(names: readonly EntryName[], options?: SubmitOptions): Promise<Result[]> {
    const error = this.#audit.refusalOf('read');
    if (error !== undefined) return names.map(() => ({ kind: 'refused', error }));
    const results = await this.#store.getMany(names, options);
    this.#audit.noteReads(names, results);
    return results;
  }

  async transact<Output>(
    names: readonly TransactionName[],
    plan: TransactionPlan<Output>,
    options?: TransactOptions,
  ): Promise<TransactionResult<Output>> {
    const isFlush = Array.isArray(options?.alone);
    const error = this.#audit.refusalOf(isFlush ? 'admin' : accessOf(names));
    if (error !== undefined) return { kind: 'refused', error };
    let last: PlannedTransaction | undefined;
    const seen: TransactionPlan<Output> = (moment) => {
      const planned = plan(moment);
      last = { moment, planned };
      return planned;
    };
    const failed = (thrown: unknown): void =>
      this.#audit.noteFailedTransaction(names, thrown, isFlush);
    return await watch(
      () => this.#store.transact(names, seen, options),
      (result) => {
        if (result.kind === 'refused') failed(result.error);
        else if (last !== undefined) this.#audit.noteTransaction(names, last);
      },
      failed,
    );
  }

  async backup(options: BackupOptions): Promise<AsyncIterable<Uint8Array>> {
    const pieces = await this.#store.backup(options, () => this.#requireRoom('admin'));
    this.#audit.noteBackup(options.namespace);
    return pieces;
  }

  #submitAll<One extends AnyOperation, Kind extends Result | ReplyResult>(
    operations: readonly One[],
    work: () => MaybePromise<Kind[]>,
    note: (operation: One, result: Kind | RefusedResult) => void,
  ): MaybePromise<(Kind | RefusedResult)[]> {
    const error = this.#refusalOf(operations);
    if (error !== undefined) return operations.map(() => ({ kind: 'refused', error }));
    return watch(
      work,
      (results) => {
        for (const [index, operation] of operations.entries()) {
          const result = results[index];
          if (result !== undefined) note(operation, result);
        }
      },
      (thrown) => {
        for (const operation of operations) note(operation, refusedBy(thrown));
      },
    );
  }

  /** All are refused if one of them would leave no record: the request has no effect then. */
  #refusalOf(operations: readonly AnyOperation[]): StoreError | undefined {
    return this.#audit.refusalOf(operations.some(isWrite) ? 'write' : 'read');
  }

  /** @throws StoreError AUDIT_FULL */
  #requireRoom(access: 'read' | 'admin'): void {
    const error = this.#audit.refusalOf(access);
    if (error !== undefined) throw error;
  }
}

function accessOf(names: readonly TransactionName[]): 'read' | 'write' {
  const changes = names.some((name) => name.isReadOnly !== true && isOfClient(name));
  return changes ? 'write' : 'read';
}
