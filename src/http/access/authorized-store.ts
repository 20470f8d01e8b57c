// The store as one caller may use it. All dialects reach the store through this class alone, so the
// same rules hold in each. Operations go to the store together with what the caller may do; listings,
// counts and backups are judged here before they begin. Knows no dialect, no request and no rule:
// caller-authorization.ts has the rules.
import type { GrantedKeys } from '../../access/key-ranges.ts';
import type { Namespaces } from '../../access/namespaces.ts';
import { StoreError } from '../../base/errors.ts';
import type { MaybePromise } from '../../base/maybe-promise.ts';
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
import type {
  BackupOptions,
  CommandStore,
  SubmitOptions,
  TransactOptions,
} from '../../store/store.ts';
import type { TransactionPlan, TransactionResult } from '../../store/transaction.ts';
import type { AuditedCommand } from '../audit/request-audit.ts';
import type { CallerAuthorization } from './caller-authorization.ts';
import { FirstWrites } from './first-writes.ts';

/** The store as handlers of requests use it. */
export type RequestStore = Pick<
  CommandStore,
  | 'durability'
  | 'submit'
  | 'submitAll'
  | 'submitCommands'
  | 'watch'
  | 'areOnOneShard'
  | 'list'
  | 'count'
  | 'getMany'
  | 'transact'
>;

export interface AuthorizedStoreOptions {
  readonly store: CommandStore;
  readonly namespaces: Pick<Namespaces, 'makeBy'>;
}

type AnyOperation = Operation | CommandOperation;

function bounded(query: ListQuery, granted: GrantedKeys): ListQuery {
  return granted === 'all' ? query : { ...query, within: granted };
}

/** A delete puts no entry, so it makes no namespace. */
function mayPut(operation: AnyOperation): boolean {
  return operation.op !== 'delete' && isWrite(operation);
}

async function refusedOr<T>(work: () => Promise<T>): Promise<T | RefusedResult> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreError) return { kind: 'refused', error };
    throw error;
  }
}

/** The store of a caller, whether or not the request leaves records: audited-store.ts is the other one. */
export type StoreOfCaller = Pick<AuthorizedStore, keyof AuthorizedStore>;

export class AuthorizedStore implements RequestStore {
  readonly authorization: CallerAuthorization;
  readonly durability: Durability;
  readonly #store: CommandStore;
  readonly #firstWrites: FirstWrites;
  readonly #asCaller: SubmitOptions;

  constructor(authorization: CallerAuthorization, options: AuthorizedStoreOptions) {
    this.authorization = authorization;
    this.durability = options.store.durability;
    this.#store = options.store;
    this.#firstWrites = new FirstWrites(options);
    this.#asCaller = { authorization };
  }

  /** The same store, for work that stands for these commands. */
  forCommands(_commands: readonly AuditedCommand[]): StoreOfCaller {
    return this;
  }

  submit(operation: Operation, options?: SubmitOptions): MaybePromise<Result> {
    const all = this.#withAuthorization(options);
    if (operation.op !== 'put' || !this.#makes(operation))
      return this.#store.submit(operation, all);
    return refusedOr(() => this.#firstWrites.put(operation, this.#withMaker(options)));
  }

  submitAll(operations: readonly Operation[], options?: SubmitOptions): MaybePromise<Result[]> {
    if (this.#makeNone(operations)) {
      return this.#store.submitAll(operations, this.#withAuthorization(options));
    }
    return this.#eachInTurn(operations, async (operation) => this.submit(operation, options));
  }

  submitCommands(
    operations: readonly AnyOperation[],
    options?: SubmitOptions,
  ): MaybePromise<(Result | ReplyResult)[]> {
    const all = this.#withAuthorization(options);
    if (this.#makeNone(operations)) return this.#store.submitCommands(operations, all);
    return this.#eachInTurn(operations, async (operation) => {
      if (operation.op !== 'command') return await this.submit(operation, options);
      if (this.#makes(operation)) {
        return await refusedOr(() =>
          this.#firstWrites.command(operation, this.#withMaker(options)),
        );
      }
      const [result] = await this.#store.submitCommands([operation], all);
      if (result === undefined) throw new Error('an operation has one result');
      return result;
    });
  }

  /** The caller judges each sight that it answers: rights may be lost meanwhile. */
  watch(read: ReadOperation, onSight: (sight: Sight) => void): () => void {
    return this.#store.watch(read, onSight, this.#asCaller);
  }

  areOnOneShard(keys: readonly string[]): boolean {
    return this.#store.areOnOneShard(keys);
  }

  /** Lists the keys that the caller may read, and no other. */
  async list(query: ListQuery): Promise<ListPage> {
    const { namespace } = query;
    this.authorization.requireSomeRead(namespace);
    this.authorization.requireNamespace(namespace);
    return await this.#store.list(bounded(query, this.authorization.readableIn(namespace)));
  }

  /** Lists the keys that the caller may change, and no other. */
  async listWritable(query: ListQuery): Promise<ListPage> {
    const { namespace } = query;
    this.authorization.requireSomeWrite(namespace);
    this.authorization.requireNamespace(namespace);
    return await this.#store.list(bounded(query, this.authorization.writableIn(namespace)));
  }

  /** Counts the keys that the caller may read, and no other. */
  async count(namespace: string): Promise<number> {
    this.authorization.requireSomeRead(namespace);
    this.authorization.requireNamespace(namespace);
    const readable = this.authorization.readableIn(namespace);
    return await this.#store.count(namespace, readable === 'all' ? undefined : readable);
  }

  getMany(names: readonly EntryName[], options?: SubmitOptions): Promise<Result[]> {
    return this.#store.getMany(names, this.#withAuthorization(options));
  }

  transact<Output>(
    names: readonly TransactionName[],
    plan: TransactionPlan<Output>,
    options?: TransactOptions,
  ): Promise<TransactionResult<Output>> {
    const checked: TransactionPlan<Output> = (moment) => {
      const planned = plan(moment);
      for (const namespace of planned.flush ?? []) this.authorization.requireAdmin(namespace);
      const isWrong = names.some(
        ({ isReadOnly }, index) => isReadOnly === true && planned.changes[index] !== undefined,
      );
      if (isWrong) throw new Error('a transaction changes an entry that it names as read-only');
      return planned;
    };
    const refusal = this.#refusalOfFlush(options);
    if (refusal !== undefined) return Promise.resolve({ kind: 'refused', error: refusal });
    if (!this.authorization.mayMakeBy(names)) {
      return this.#store.transact(names, checked, this.#toTransact(options));
    }
    return refusedOr(() => this.#firstWrites.transact(names, checked, this.#withMaker(options)));
  }

  /**
   * @param onAllowed called before the backup begins; an error that it throws prevents the backup
   * @throws StoreError if the caller does not administer all that the backup has
   */
  async backup(
    options: BackupOptions,
    onAllowed: () => void = () => undefined,
  ): Promise<AsyncIterable<Uint8Array>> {
    const { namespace } = options;
    if (namespace === undefined) this.authorization.requireServerAdmin();
    else this.authorization.requireAdmin(namespace);
    if (this.#store.backup === undefined) throw new Error('the engine takes no backups');
    onAllowed();
    const pieces = await this.#store.backup(options);
    return this.#whileAllowed(pieces, namespace);
  }

  /** The stream fails once the caller has lost its rights. */
  async *#whileAllowed(
    pieces: AsyncIterable<Uint8Array>,
    namespace: string | undefined,
  ): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      this.authorization.requireRightsOfAdmin(namespace);
      yield piece;
    }
  }

  /** Asked before the wait for all keys of a namespace: a refused flush holds up no other request. */
  #refusalOfFlush({ alone }: TransactOptions = {}): StoreError | undefined {
    if (alone === undefined || typeof alone === 'boolean') return undefined;
    return alone
      .map((namespace) => this.authorization.refusalOfAdmin(namespace))
      .find((refusal) => refusal !== undefined);
  }

  /** One after the other, until the namespace is made; in this order in any case. */
  async #eachInTurn<One extends AnyOperation, Answer>(
    operations: readonly One[],
    carryOut: (operation: One) => Promise<Answer>,
  ): Promise<Answer[]> {
    const answers: Answer[] = [];
    // oxlint-disable-next-line no-await-in-loop -- each sees those before it
    for (const operation of operations) answers.push(await carryOut(operation));
    return answers;
  }

  #makeNone(operations: readonly AnyOperation[]): boolean {
    return !operations.some((operation) => this.#makes(operation));
  }

  #makes(operation: AnyOperation): boolean {
    return this.authorization.mayMake(operation.namespace) && mayPut(operation);
  }

  /** The members one by one: a spread is slow, and each request comes through here. */
  #withAuthorization(options: SubmitOptions | undefined): SubmitOptions {
    if (options === undefined) return this.#asCaller;
    return { reserveReplyBytes: options.reserveReplyBytes, authorization: this.authorization };
  }

  #toTransact(options: TransactOptions | undefined): TransactOptions {
    return { ...options, authorization: this.authorization };
  }

  #withMaker(options: TransactOptions | undefined): TransactOptions {
    return { ...options, authorization: this.authorization.asMaker };
  }
}
