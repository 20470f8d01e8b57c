// Tells each handler for which caller and in which namespace a request is carried out, and gives it
// the store as that caller may use it.
import type { Caller } from '../../access/caller.ts';
import { StoreError } from '../../base/errors.ts';
import { checkNamespaceName } from '../../base/namespace-name.ts';
import type { HttpRequest } from '../wire/request-head.ts';
import { AuthorizedStore, type AuthorizedStoreOptions } from './authorized-store.ts';
import { CallerAuthorization, type CallerAuthorizationOptions } from './caller-authorization.ts';

export const namespaceHeader = 'holdfast-namespace';

export interface RequestScope {
  readonly caller: Caller;
  readonly namespace: string;
  /** The namespace if the request names it; undefined if it is that of the caller. */
  readonly named: string | undefined;
  readonly store: AuthorizedStore;
}

type RequestScopesOptions = AuthorizedStoreOptions & CallerAuthorizationOptions;

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
    return { caller, namespace, named, store: this.storeOf(caller) };
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
    return { caller, namespace, named: namespace, store: this.storeOf(caller) };
  }

  storeOf(caller: Caller): AuthorizedStore {
    const known = this.#stores.get(caller);
    if (known !== undefined) return known;
    const authorization = new CallerAuthorization(caller, this.#options);
    const store = new AuthorizedStore(authorization, this.#options);
    this.#stores.set(caller, store);
    return store;
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
