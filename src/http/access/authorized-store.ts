// The store as one caller may use it. All dialects reach the store through this class alone, so the
// same rules hold in each. The store asks it about every entry, in the turn in which the operation
// gets its place. Knows no dialect and no request.
import type { Caller } from '../../access/caller.ts';
import type { GrantedKeys } from '../../access/key-ranges.ts';
import type { Namespaces } from '../../access/namespaces.ts';
import type { NamespaceRights } from '../../access/rights.ts';
import { StoreError } from '../../base/errors.ts';
import { isInternalNamespace } from '../../base/namespace-name.ts';
import {
  refusalOfNames,
  type Authorization,
  type TransactionName,
} from '../../store/authorization.ts';
import type { ListPage, ListQuery } from '../../store/listing.ts';
import {
  isWrite,
  type CommandOperation,
  type EntryName,
  type Operation,
} from '../../store/operation.ts';
import type { Durability, RefusedResult, ReplyResult, Result } from '../../store/result.ts';
import type {
  BackupOptions,
  CommandStore,
  SubmitOptions,
  TransactOptions,
} from '../../store/store.ts';
import type { TransactionPlan, TransactionResult } from '../../store/transaction.ts';
import { FirstWrites } from './first-writes.ts';
import {
  forbidden,
  forbiddenKey,
  namespaceIsDropped,
  noNamespace,
  unauthenticated,
} from './refusals.ts';

/** The store as handlers of requests use it. */
export type RequestStore = Pick<
  CommandStore,
  | 'durability'
  | 'submit'
  | 'submitAll'
  | 'submitCommands'
  | 'areOnOneShard'
  | 'list'
  | 'count'
  | 'getMany'
  | 'transact'
>;

export interface AuthorizedStoreOptions {
  readonly store: CommandStore;
  readonly namespaces: Pick<Namespaces, 'state' | 'makeBy'>;
  /** The time by which tokens expire, Unix milliseconds. */
  readonly nowMs: () => number;
}

type AnyOperation = Operation | CommandOperation;

function hasKeys(granted: GrantedKeys): boolean {
  return granted === 'all' || granted.length > 0;
}

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

export class AuthorizedStore implements RequestStore, Authorization {
  readonly durability: Durability;
  readonly #caller: Caller;
  readonly #options: AuthorizedStoreOptions;
  readonly #store: CommandStore;
  readonly #firstWrites: FirstWrites;
  readonly #asCaller: SubmitOptions = { authorization: this };
  /** The same rights, for a write that makes its namespace. */
  readonly #asMaker: Authorization = {
    refusalOfRead: (name) => this.#refusalOfRights(name, false),
    refusalOfWrite: (name) => this.#refusalOfRights(name, true),
  };

  constructor(caller: Caller, options: AuthorizedStoreOptions) {
    this.#caller = caller;
    this.#options = options;
    this.#store = options.store;
    this.#firstWrites = new FirstWrites(options);
    this.durability = options.store.durability;
  }

  refusalOfRead(name: EntryName): StoreError | undefined {
    return this.#refusalOfRights(name, false) ?? this.#refusalOfNamespace(name.namespace);
  }

  refusalOfWrite(name: EntryName): StoreError | undefined {
    return this.#refusalOfRights(name, true) ?? this.#refusalOfNamespace(name.namespace);
  }

  /** The error that refuses a transaction of these entries; undefined if the caller may run it. */
  refusalOfAll(names: readonly TransactionName[]): StoreError | undefined {
    const [first] = names;
    const mayMake = first !== undefined && this.#mayMake(first.namespace);
    return refusalOfNames(names, mayMake ? this.#asMaker : this);
  }

  /** The error that refuses the administration of the namespace; undefined if the caller may. */
  refusalOfAdmin(namespace: string): StoreError | undefined {
    if (!this.#isValid()) return unauthenticated();
    if (!this.#rightsIn(namespace).isAdmin) return forbidden();
    return this.#refusalOfNamespace(namespace);
  }

  /** @throws StoreError if the caller may read no key of the namespace */
  requireSomeRead(namespace: string): void {
    this.#requireSome(this.#rightsIn(namespace).readable);
  }

  /** @throws StoreError if the caller may change no key of the namespace */
  requireSomeWrite(namespace: string): void {
    this.#requireSome(this.#rightsIn(namespace).writable);
  }

  /** @throws StoreError if the caller may not change this entry */
  requireWrite(name: EntryName): void {
    const refusal = this.#refusalOfRights(name, true);
    if (refusal !== undefined) throw refusal;
  }

  /** @throws StoreError if the caller does not administer the namespace, or if there is none */
  requireAdmin(namespace: string): void {
    const refusal = this.refusalOfAdmin(namespace);
    if (refusal !== undefined) throw refusal;
  }

  /** @throws StoreError if the caller has no rights any more */
  requireValid(): void {
    if (!this.#isValid()) throw unauthenticated();
  }

  /** @throws StoreError if the caller administers neither the server nor any namespace */
  requireSomeAdmin(): void {
    this.requireValid();
    const { rights } = this.#caller;
    if (rights.isServerAdmin) return;
    if (!rights.namedNamespaces.some((name) => rights.in(name).isAdmin)) throw forbidden();
  }

  /** @throws StoreError if the caller does not administer the server */
  requireServerAdmin(): void {
    if (!this.#isValid()) throw unauthenticated();
    if (!this.#caller.rights.isServerAdmin) throw forbidden();
  }

  submit(operation: Operation, options?: SubmitOptions): Result | Promise<Result> {
    const all = this.#withAuthorization(options);
    if (operation.op !== 'put' || !this.#makes(operation))
      return this.#store.submit(operation, all);
    return refusedOr(() => this.#firstWrites.put(operation, this.#withMaker(options)));
  }

  submitAll(operations: readonly Operation[], options?: SubmitOptions): Promise<Result[]> {
    if (this.#makeNone(operations)) {
      return this.#store.submitAll(operations, this.#withAuthorization(options));
    }
    return this.#eachInTurn(operations, async (operation) => this.submit(operation, options));
  }

  submitCommands(
    operations: readonly AnyOperation[],
    options?: SubmitOptions,
  ): Promise<(Result | ReplyResult)[]> {
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

  areOnOneShard(keys: readonly string[]): boolean {
    return this.#store.areOnOneShard(keys);
  }

  /** Lists the keys that the caller may read, and no other. */
  async list(query: ListQuery): Promise<ListPage> {
    this.requireSomeRead(query.namespace);
    this.#requireNamespace(query.namespace);
    return await this.#store.list(bounded(query, this.#rightsIn(query.namespace).readable));
  }

  /** Lists the keys that the caller may change, and no other. */
  async listWritable(query: ListQuery): Promise<ListPage> {
    this.requireSomeWrite(query.namespace);
    this.#requireNamespace(query.namespace);
    return await this.#store.list(bounded(query, this.#rightsIn(query.namespace).writable));
  }

  /** Counts the keys that the caller may read, and no other. */
  async count(namespace: string): Promise<number> {
    this.requireSomeRead(namespace);
    this.#requireNamespace(namespace);
    const { readable } = this.#rightsIn(namespace);
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
      for (const namespace of planned.flush ?? []) this.requireAdmin(namespace);
      const isWrong = names.some(
        ({ isReadOnly }, index) => isReadOnly === true && planned.changes[index] !== undefined,
      );
      if (isWrong) throw new Error('a transaction changes an entry that it names as read-only');
      return planned;
    };
    const refusal = this.#refusalOfFlush(options);
    if (refusal !== undefined) return Promise.resolve({ kind: 'refused', error: refusal });
    const [first] = names;
    if (first === undefined || !this.#mayMake(first.namespace)) {
      return this.#store.transact(names, checked, this.#withAuthorization(options));
    }
    return refusedOr(() => this.#firstWrites.transact(names, checked, this.#withMaker(options)));
  }

  /** @throws StoreError if the caller does not administer all that the backup has */
  requireBackup({ namespace }: BackupOptions): void {
    if (namespace === undefined) this.requireServerAdmin();
    else this.requireAdmin(namespace);
  }

  /** @throws StoreError as `requireBackup` does */
  async backup(options: BackupOptions): Promise<AsyncIterable<Uint8Array>> {
    this.requireBackup(options);
    if (this.#store.backup === undefined) throw new Error('the engine takes no backups');
    const pieces = await this.#store.backup(options);
    return this.#whileAllowed(pieces, options);
  }

  /** The stream fails once the caller has lost its rights. */
  async *#whileAllowed(
    pieces: AsyncIterable<Uint8Array>,
    { namespace }: BackupOptions,
  ): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      this.requireValid();
      const isAdmin =
        namespace === undefined
          ? this.#caller.rights.isServerAdmin
          : this.#rightsIn(namespace).isAdmin;
      if (!isAdmin) throw forbidden();
      yield piece;
    }
  }

  /** Asked before the wait for all keys of a namespace: a refused flush holds up no other request. */
  #refusalOfFlush({ alone }: TransactOptions = {}): StoreError | undefined {
    if (alone === undefined || typeof alone === 'boolean') return undefined;
    return alone
      .map((namespace) => this.refusalOfAdmin(namespace))
      .find((refusal) => refusal !== undefined);
  }

  /** True if there is no such namespace, and the caller may know. */
  isAbsent(namespace: string): boolean {
    return (
      this.#options.namespaces.state(namespace) === 'absent' && this.#caller.rights.readsEverything
    );
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
    return this.#mayMake(operation.namespace) && mayPut(operation);
  }

  /** True if a put would make the namespace, and the caller may make one. */
  #mayMake(namespace: string): boolean {
    return (
      !isInternalNamespace(namespace) &&
      this.#options.namespaces.state(namespace) === 'absent' &&
      this.#caller.rights.isServerAdmin
    );
  }

  #refusalOfRights({ namespace, key }: EntryName, isChange: boolean): StoreError | undefined {
    if (!this.#isValid()) return unauthenticated();
    if (isInternalNamespace(namespace)) return undefined;
    const rights = this.#rightsIn(namespace);
    if (isChange ? rights.mayWrite(key) : rights.mayRead(key)) return undefined;
    return hasKeys(isChange ? rights.writable : rights.readable) ? forbiddenKey() : forbidden();
  }

  #refusalOfNamespace(namespace: string): StoreError | undefined {
    const state = this.#options.namespaces.state(namespace);
    if (state === 'made' || isInternalNamespace(namespace)) return undefined;
    if (state === 'dropping') return namespaceIsDropped(namespace);
    // To all others it is like one that they may not use.
    return this.#caller.rights.readsEverything ? noNamespace(namespace) : forbidden();
  }

  #requireNamespace(namespace: string): void {
    const refusal = this.#refusalOfNamespace(namespace);
    if (refusal !== undefined) throw refusal;
  }

  #requireSome(granted: GrantedKeys): void {
    if (!this.#isValid()) throw unauthenticated();
    if (!hasKeys(granted)) throw forbidden();
  }

  #rightsIn(namespace: string): NamespaceRights {
    return this.#caller.rights.in(namespace);
  }

  #isValid(): boolean {
    return this.#caller.isValid(this.#options.nowMs());
  }

  #withAuthorization(options: TransactOptions | undefined): TransactOptions {
    return options === undefined ? this.#asCaller : { ...options, authorization: this };
  }

  #withMaker(options: TransactOptions | undefined): TransactOptions {
    return { ...options, authorization: this.#asMaker };
  }
}
