// The store as one caller may use it. All dialects reach the store through this class alone, so the
// same rules hold in each. The store asks it about every entry, in the turn in which the operation
// gets its place. Knows no dialect and no request.
import type { Caller } from '../../access/caller.ts';
import type { GrantedKeys } from '../../access/key-ranges.ts';
import { isInternalNamespace } from '../../base/namespace-name.ts';
import type { Authorization, TransactionName } from '../../store/authorization.ts';
import type { ListPage, ListQuery } from '../../store/listing.ts';
import type { CommandOperation, EntryName, Operation } from '../../store/operation.ts';
import type { Durability, ReplyResult, Result } from '../../store/result.ts';
import type { CommandStore, SubmitOptions, TransactOptions } from '../../store/store.ts';
import type { TransactionPlan, TransactionResult } from '../../store/transaction.ts';
import type { StoreError } from '../../base/errors.ts';
import { forbidden, forbiddenKey, unauthenticated } from './refusals.ts';

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
  /** Unix milliseconds. */
  readonly wallMs: () => number;
}

function hasKeys(granted: GrantedKeys): boolean {
  return granted === 'all' || granted.length > 0;
}

function bounded(query: ListQuery, granted: GrantedKeys): ListQuery {
  return granted === 'all' ? query : { ...query, within: granted };
}

export class AuthorizedStore implements RequestStore, Authorization {
  readonly durability: Durability;
  readonly #caller: Caller;
  readonly #store: CommandStore;
  readonly #wallMs: () => number;
  readonly #alone: SubmitOptions;

  constructor(caller: Caller, { store, wallMs }: AuthorizedStoreOptions) {
    this.#caller = caller;
    this.#store = store;
    this.#wallMs = wallMs;
    this.#alone = { authorization: this };
    this.durability = store.durability;
  }

  refusalOfRead({ namespace, key }: EntryName): StoreError | undefined {
    if (!this.#caller.isValid(this.#wallMs())) return unauthenticated();
    const rights = this.#caller.rights.in(namespace);
    if (rights.mayRead(key) || isInternalNamespace(namespace)) return undefined;
    return rights.isVisible ? forbiddenKey() : forbidden();
  }

  refusalOfWrite({ namespace, key }: EntryName): StoreError | undefined {
    if (!this.#caller.isValid(this.#wallMs())) return unauthenticated();
    const rights = this.#caller.rights.in(namespace);
    if (rights.mayWrite(key) || isInternalNamespace(namespace)) return undefined;
    return hasKeys(rights.writable) ? forbiddenKey() : forbidden();
  }

  /** @throws StoreError if the caller may read no key of the namespace */
  requireSomeRead(namespace: string): void {
    this.#requireValid();
    if (!hasKeys(this.#caller.rights.in(namespace).readable)) throw forbidden();
  }

  /** @throws StoreError if the caller may change no key of the namespace */
  requireSomeWrite(namespace: string): void {
    this.#requireValid();
    if (!hasKeys(this.#caller.rights.in(namespace).writable)) throw forbidden();
  }

  /** @throws StoreError if the caller may not change this entry */
  requireWrite(name: EntryName): void {
    const refusal = this.refusalOfWrite(name);
    if (refusal !== undefined) throw refusal;
  }

  /** The error that refuses the administration of the namespace; undefined if the caller may. */
  refusalOfAdmin(namespace: string): StoreError | undefined {
    if (!this.#caller.isValid(this.#wallMs())) return unauthenticated();
    return this.#caller.rights.in(namespace).isAdmin ? undefined : forbidden();
  }

  /** @throws StoreError if the caller does not administer the namespace */
  requireAdmin(namespace: string): void {
    const refusal = this.refusalOfAdmin(namespace);
    if (refusal !== undefined) throw refusal;
  }

  /** @throws StoreError if the caller does not administer the server */
  requireServerAdmin(): void {
    this.#requireValid();
    if (!this.#caller.rights.isServerAdmin) throw forbidden();
  }

  submit(operation: Operation, options?: SubmitOptions): Result | Promise<Result> {
    return this.#store.submit(operation, this.#authorized(options));
  }

  submitAll(operations: readonly Operation[], options?: SubmitOptions): Promise<Result[]> {
    return this.#store.submitAll(operations, this.#authorized(options));
  }

  submitCommands(
    operations: readonly (Operation | CommandOperation)[],
    options?: SubmitOptions,
  ): Promise<(Result | ReplyResult)[]> {
    return this.#store.submitCommands(operations, this.#authorized(options));
  }

  areOnOneShard(keys: readonly string[]): boolean {
    return this.#store.areOnOneShard(keys);
  }

  /** Lists the keys that the caller may read, and no other. */
  async list(query: ListQuery): Promise<ListPage> {
    this.requireSomeRead(query.namespace);
    const { readable } = this.#caller.rights.in(query.namespace);
    return await this.#store.list(bounded(query, readable));
  }

  /** Lists the keys that the caller may change, and no other. */
  async listWritable(query: ListQuery): Promise<ListPage> {
    this.requireSomeWrite(query.namespace);
    const { writable } = this.#caller.rights.in(query.namespace);
    return await this.#store.list(bounded(query, writable));
  }

  /** Counts the keys that the caller may read, and no other. */
  async count(namespace: string): Promise<number> {
    this.requireSomeRead(namespace);
    const { readable } = this.#caller.rights.in(namespace);
    return await this.#store.count(namespace, readable === 'all' ? undefined : readable);
  }

  getMany(names: readonly EntryName[], options?: SubmitOptions): Promise<Result[]> {
    return this.#store.getMany(names, this.#authorized(options));
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
    return this.#store.transact(names, checked, { ...options, authorization: this });
  }

  async backup(): Promise<AsyncIterable<Uint8Array>> {
    this.requireServerAdmin();
    if (this.#store.backup === undefined) throw new Error('the engine takes no backups');
    return await this.#store.backup();
  }

  #authorized(options: SubmitOptions | undefined): SubmitOptions {
    return options === undefined ? this.#alone : { ...options, authorization: this };
  }

  #requireValid(): void {
    if (!this.#caller.isValid(this.#wallMs())) throw unauthenticated();
  }
}
