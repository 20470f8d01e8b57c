// Judges one caller, by its present rights. The store asks about every entry, in the turn in which the
// operation gets its place; handlers ask before they read a body. Knows no dialect, no request and no
// store.
import type { Caller } from '../../access/caller.ts';
import type { GrantedKeys } from '../../access/key-ranges.ts';
import type { Namespaces } from '../../access/namespaces.ts';
import type { NamespaceRights } from '../../access/rights.ts';
import type { StoreError } from '../../base/errors.ts';
import { isInternalNamespace } from '../../base/namespace-name.ts';
import { clientEntryOf, isOfClient } from '../../locks/client-entry.ts';
import {
  refusalOfNames,
  type Authorization,
  type TransactionName,
} from '../../store/authorization.ts';
import type { EntryName } from '../../store/operation.ts';
import {
  forbidden,
  forbiddenKey,
  namespaceIsDropped,
  noNamespace,
  unauthenticated,
} from './refusals.ts';

export interface CallerAuthorizationOptions {
  readonly namespaces: Pick<Namespaces, 'state'>;
  /** The time by which tokens expire, Unix milliseconds. */
  readonly nowMs: () => number;
}

/**
 * Called for each refusal that a handler gets from here. The store gives its own refusals as results.
 *
 * @param names of the entries that were refused, if single ones were
 * @param namespace undefined if it is about the server
 */
export type OnDenied = (
  error: StoreError,
  access: 'read' | 'write' | 'admin',
  names: readonly EntryName[],
  namespace: string | undefined,
) => void;

const tellNone: OnDenied = () => undefined;

function hasKeys(granted: GrantedKeys): boolean {
  return granted === 'all' || granted.length > 0;
}

export class CallerAuthorization implements Authorization {
  readonly #caller: Caller;
  readonly #options: CallerAuthorizationOptions;
  readonly #onDenied: OnDenied;
  /** The same rights, for a write that makes its namespace. */
  readonly asMaker: Authorization = {
    refusalOfRead: (name) => this.#refusalOfRights(name, false),
    refusalOfWrite: (name) => this.#refusalOfRights(name, true),
  };

  constructor(caller: Caller, options: CallerAuthorizationOptions, onDenied: OnDenied = tellNone) {
    this.#caller = caller;
    this.#options = options;
    this.#onDenied = onDenied;
  }

  refusalOfRead(name: EntryName): StoreError | undefined {
    return this.#refusalOfRights(name, false) ?? this.#refusalOfNamespaceOf(name);
  }

  refusalOfWrite(name: EntryName): StoreError | undefined {
    return this.#refusalOfRights(name, true) ?? this.#refusalOfNamespaceOf(name);
  }

  /** The error that refuses a transaction of these entries; undefined if the caller may run it. */
  refusalOfAll(names: readonly TransactionName[]): StoreError | undefined {
    const refusal = refusalOfNames(names, this.mayMakeBy(names) ? this.asMaker : this);
    const isRead = names.every(({ isReadOnly }) => isReadOnly === true);
    if (refusal !== undefined) {
      this.#onDenied(refusal, isRead ? 'read' : 'write', names, names[0]?.namespace);
    }
    return refusal;
  }

  /** The error that refuses the administration of the namespace; undefined if the caller may. */
  refusalOfAdmin(namespace: string): StoreError | undefined {
    const refusal = this.#refusalOfAdmin(namespace);
    if (refusal !== undefined) this.#onDenied(refusal, 'admin', [], namespace);
    return refusal;
  }

  /** @throws StoreError if the caller may read no key of the namespace */
  requireSomeRead(namespace: string): void {
    this.#requireSome('read', namespace, this.readableIn(namespace));
  }

  /** @throws StoreError if the caller may change no key of the namespace */
  requireSomeWrite(namespace: string): void {
    this.#requireSome('write', namespace, this.writableIn(namespace));
  }

  /** @throws StoreError if the caller may not change this entry */
  requireWrite(name: EntryName): void {
    const refusal = this.#refusalOfRights(name, true);
    if (refusal !== undefined) throw this.#denied(refusal, 'write', name.namespace, [name]);
  }

  /** @throws StoreError if there is no such namespace, or the caller may not know */
  requireNamespace(namespace: string): void {
    const refusal = this.#refusalOfNamespace(namespace);
    if (refusal !== undefined) throw this.#denied(refusal, 'read', namespace);
  }

  /** @throws StoreError if the caller does not administer the namespace, or if there is none */
  requireAdmin(namespace: string): void {
    const refusal = this.refusalOfAdmin(namespace);
    if (refusal !== undefined) throw refusal;
  }

  /** @throws StoreError if the caller administers neither the server nor any namespace */
  requireSomeAdmin(): void {
    this.#requireValid();
    const { rights } = this.#caller;
    if (rights.isServerAdmin) return;
    if (rights.namedNamespaces.some((name) => rights.in(name).isAdmin)) return;
    throw this.#denied(forbidden(), 'admin', undefined);
  }

  /** @throws StoreError if the caller does not administer the server */
  requireServerAdmin(): void {
    this.#requireValid();
    if (this.#caller.rights.isServerAdmin) return;
    throw this.#denied(forbidden(), 'admin', undefined);
  }

  /**
   * @throws StoreError if the caller does not administer the namespace any more, whether or not
   *   there still is one; the server, if no namespace is named
   */
  requireRightsOfAdmin(namespace: string | undefined): void {
    this.#requireValid();
    const { rights } = this.#caller;
    const isAdmin = namespace === undefined ? rights.isServerAdmin : rights.in(namespace).isAdmin;
    if (!isAdmin) throw this.#denied(forbidden(), 'admin', namespace);
  }

  readableIn(namespace: string): GrantedKeys {
    return this.#rightsIn(namespace).readable;
  }

  writableIn(namespace: string): GrantedKeys {
    return this.#rightsIn(namespace).writable;
  }

  /** True if there is no such namespace, and the caller may know. */
  isAbsent(namespace: string): boolean {
    return (
      this.#options.namespaces.state(namespace) === 'absent' && this.#caller.rights.readsEverything
    );
  }

  /** True if a put would make the namespace, and the caller may make one. */
  mayMake(namespace: string): boolean {
    return (
      !isInternalNamespace(namespace) &&
      this.#options.namespaces.state(namespace) === 'absent' &&
      this.#caller.rights.isServerAdmin
    );
  }

  /** True if a transaction of these entries could make their namespace. One that only reads cannot. */
  mayMakeBy(names: readonly TransactionName[]): boolean {
    const [first] = names;
    const namespace = first && clientEntryOf(first)?.namespace;
    return (
      namespace !== undefined &&
      this.mayMake(namespace) &&
      names.some((name) => name.isReadOnly !== true && isOfClient(name))
    );
  }

  /** A lock is judged by its name, as an entry is by its key. Records of the server go with what they are for. */
  #refusalOfRights(name: EntryName, isChange: boolean): StoreError | undefined {
    if (!this.#isValid()) return unauthenticated();
    const entry = clientEntryOf(name);
    if (entry === undefined) return undefined;
    const rights = this.#rightsIn(entry.namespace);
    if (isChange ? rights.mayWrite(entry.key) : rights.mayRead(entry.key)) return undefined;
    return hasKeys(isChange ? rights.writable : rights.readable) ? forbiddenKey() : forbidden();
  }

  #refusalOfNamespaceOf(name: EntryName): StoreError | undefined {
    const entry = clientEntryOf(name);
    return entry === undefined ? undefined : this.#refusalOfNamespace(entry.namespace);
  }

  #refusalOfNamespace(namespace: string): StoreError | undefined {
    const state = this.#options.namespaces.state(namespace);
    if (state === 'made' || isInternalNamespace(namespace)) return undefined;
    if (state === 'dropping') return namespaceIsDropped(namespace);
    // To all others it is like one that they may not use.
    return this.#caller.rights.readsEverything ? noNamespace(namespace) : forbidden();
  }

  #refusalOfAdmin(namespace: string): StoreError | undefined {
    if (!this.#isValid()) return unauthenticated();
    if (!this.#rightsIn(namespace).isAdmin) return forbidden();
    return this.#refusalOfNamespace(namespace);
  }

  #requireSome(access: 'read' | 'write', namespace: string, granted: GrantedKeys): void {
    if (!this.#isValid()) throw this.#denied(unauthenticated(), access, namespace);
    if (!hasKeys(granted)) throw this.#denied(forbidden(), access, namespace);
  }

  #requireValid(): void {
    if (!this.#isValid()) throw this.#denied(unauthenticated(), 'admin', undefined);
  }

  /** @returns the error, to be thrown */
  #denied(
    error: StoreError,
    access: 'read' | 'write' | 'admin',
    namespace: string | undefined,
    names: readonly EntryName[] = [],
  ): StoreError {
    this.#onDenied(error, access, names, namespace);
    return error;
  }

  #rightsIn(namespace: string): NamespaceRights {
    return this.#caller.rights.in(namespace);
  }

  #isValid(): boolean {
    return this.#caller.isValid(this.#options.nowMs);
  }
}
