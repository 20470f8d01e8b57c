// Grants, compiled for the questions that each request asks. A question takes the same time for any
// number of grants, and makes no object. Knows neither tokens nor users.
import { defaultNamespace } from '../base/default-namespace.ts';
import { everyNamespace, isAdminGrant, type Grant } from './grant.ts';
import { includesKey, keysWithPrefixes, type GrantedKeys } from './key-ranges.ts';

/** The rights in one namespace. */
export class NamespaceRights {
  readonly readable: GrantedKeys;
  readonly writable: GrantedKeys;
  /** Settings of the namespace, its flush and its drop. */
  readonly isAdmin: boolean;

  /** @param grants those that count in this namespace */
  constructor(grants: readonly Grant[]) {
    this.readable = keysOf(grants);
    this.writable = keysOf(grants.filter(({ role }) => role !== 'read'));
    this.isAdmin = grants.some(isAdminGrant);
  }

  mayRead(key: string): boolean {
    return includesKey(this.readable, key);
  }

  mayWrite(key: string): boolean {
    return includesKey(this.writable, key);
  }
}

function keysOf(grants: readonly Grant[]): GrantedKeys {
  if (grants.some(({ prefixes }) => prefixes === undefined)) return 'all';
  return keysWithPrefixes(grants.flatMap(({ prefixes }) => prefixes ?? []));
}

export class Rights {
  readonly grants: readonly Grant[];
  /** Those in a namespace that no grant names. */
  readonly everywhere: NamespaceRights;
  /** The namespace of a request that names none. */
  readonly homeNamespace: string;
  readonly #byNamespace: ReadonlyMap<string, NamespaceRights>;

  constructor(grants: readonly Grant[]) {
    this.grants = grants;
    const general = grants.filter(({ namespace }) => namespace === everyNamespace);
    const named = new Set(grants.map(({ namespace }) => namespace));
    named.delete(everyNamespace);
    this.everywhere = new NamespaceRights(general);
    this.#byNamespace = new Map(
      Array.from(named, (name) => {
        const ofName = grants.filter(({ namespace }) => namespace === name);
        return [name, new NamespaceRights([...general, ...ofName])] as const;
      }),
    );
    const [home = defaultNamespace] = named;
    this.homeNamespace = home;
  }

  in(namespace: string): NamespaceRights {
    return this.#byNamespace.get(namespace) ?? this.everywhere;
  }

  /** Administers the server: users, tokens, backups, every namespace. */
  get isServerAdmin(): boolean {
    return this.everywhere.isAdmin;
  }

  /** Reads all keys of every namespace. */
  get readsEverything(): boolean {
    return this.everywhere.readable === 'all';
  }

  /** The namespaces that grants name; those of grants for every namespace are not among them. */
  get namedNamespaces(): readonly string[] {
    return [...this.#byNamespace.keys()];
  }
}

/** The rights of each caller of an open server, and of HOLDFAST_TOKEN. */
export const allRights = new Rights([
  { namespace: everyNamespace, role: 'admin', prefixes: undefined },
]);

/** The rights of HOLDFAST_READ_TOKEN. */
export const readingRights = new Rights([
  { namespace: everyNamespace, role: 'read', prefixes: undefined },
]);
