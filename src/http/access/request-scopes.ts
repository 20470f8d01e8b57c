// Tells each handler for which caller and in which namespace a request is carried out, and gives it
// the store as that caller may use it.
import type { Caller } from '../../access/caller.ts';
import type { Namespaces } from '../../access/namespaces.ts';
import { StoreError } from '../../base/errors.ts';
import { checkNamespaceName } from '../../base/namespace-name.ts';
import type { RequestAudits } from '../audit/request-audits.ts';
import type { HttpRequest } from '../wire/request-head.ts';
import { AuditedStore } from './audited-store.ts';
import {
  AuthorizedStore,
  type AuthorizedStoreOptions,
  type StoreOfCaller,
} from './authorized-store.ts';
import {
  CallerAuthorization,
  type CallerAuthorizationOptions,
  type OnDenied,
} from './caller-authorization.ts';

export const namespaceHeader = 'holdfast-namespace';

export interface RequestScope {
  readonly caller: Caller;
  readonly namespace: string;
  /** The namespace if the request names it; undefined if it is that of the caller. */
  readonly named: string | undefined;
  readonly store: StoreOfCaller;
}

type RequestScopesOptions = AuthorizedStoreOptions &
  CallerAuthorizationOptions & {
    readonly namespaces: Pick<Namespaces, 'noteRequest'>;
    /** Absent: no request leaves records. */
    readonly audits?: RequestAudits;
  };

export class RequestScopes {
  readonly #options: RequestScopesOptions;
  readonly #stores = new WeakMap<Caller, AuthorizedStore>();

  constructor(options: RequestScopesOptions) {
    this.#options = options;
  }

  /**
   * The scope of a request that names its namespace in front of the path, in a header, or not at all.
   *
   * @throws StoreError if it names two, or one that cannot be
   */
  of(request: HttpRequest): RequestScope {
    const caller = callerOf(request);
    const named = namedIn(request);
    const namespace = named ?? caller.rights.homeNamespace;
    return { caller, namespace, named, store: this.#storeFor(request, caller, namespace) };
  }

  /**
   * The scope of a request whose path names the namespace as its dialect does.
   *
   * @throws StoreError if a header names another one
   */
  in(request: HttpRequest, namespace: string): RequestScope {
    const named = namedIn(request);
    if (named !== undefined && named !== namespace) throw twoNamespaces(namespace, named);
    const caller = callerOf(request);
    const store = this.#storeFor(request, caller, namespace);
    return { caller, namespace, named: namespace, store };
  }

  /** The store of a caller, for work that leaves no record. */
  storeOf(caller: Caller): AuthorizedStore {
    const known = this.#stores.get(caller);
    if (known !== undefined) return known;
    const store = this.#open(caller);
    this.#stores.set(caller, store);
    return store;
  }

  /** Most requests leave no record, and share the store of their caller. */
  #storeFor({ raw }: HttpRequest, caller: Caller, namespace: string): StoreOfCaller {
    const { audits, namespaces } = this.#options;
    namespaces.noteRequest(namespace);
    if (audits?.isOn !== true) return this.storeOf(caller);
    const audit = audits.of(raw, caller, namespace);
    if (audit === undefined) return this.storeOf(caller);
    return new AuditedStore(audit, (onDenied) => this.#open(caller, onDenied));
  }

  #open(caller: Caller, onDenied?: OnDenied): AuthorizedStore {
    const authorization = new CallerAuthorization(caller, this.#options, onDenied);
    return new AuthorizedStore(authorization, this.#options);
  }
}

export function callerOf({ raw }: HttpRequest): Caller {
  const { caller } = raw;
  if (caller === undefined) throw new Error('a request has passed no gate');
  return caller;
}

function namedIn({ raw, headers }: HttpRequest): string | undefined {
  const ofPath = raw.namespace;
  const ofHeader = headers[namespaceHeader];
  if (ofHeader === undefined) return ofPath;
  checkNamespaceName(ofHeader, 'Holdfast-Namespace');
  if (ofPath !== undefined && ofPath !== ofHeader) throw twoNamespaces(ofPath, ofHeader);
  return ofHeader;
}

function twoNamespaces(ofPath: string, ofHeader: string): StoreError {
  const detail =
    `The path names the namespace ${ofPath} and Holdfast-Namespace names ${ofHeader}; ` +
    'allowed: one of them, or both alike. Nothing was done.';
  return new StoreError('BAD_REQUEST', detail, { parameter: 'Holdfast-Namespace' });
}
