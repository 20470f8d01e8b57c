// The records of users, tokens and namespaces that the shards hold, and the namespaces that have
// entries. Compares the records with each other and with the registries in memory.
import { isDeepStrictEqual } from 'node:util';
import type { Access } from '../../../src/access/access.ts';
import {
  accessNamespace,
  decodeAccessRecord,
  type AccessRecord,
  type TokenRecord,
  type UserRecord,
} from '../../../src/access/access-records.ts';
import {
  decodeNamespace,
  namespacesNamespace,
  type NamespaceRecord,
} from '../../../src/access/namespace-records.ts';
import { defaultNamespace } from '../../../src/base/default-namespace.ts';
import { isInternalNamespace } from '../../../src/base/namespace-name.ts';
import { entryOfName } from '../entry-names.ts';
import type { NamedItem } from '../logged-entry.ts';
import {
  disabled,
  enabled,
  open,
  required,
  valueOfGrants,
  valueOfSettings,
  type FoundFacts,
} from './access-facts.ts';

export interface FoundAccess {
  readonly isRequired: boolean;
  readonly users: ReadonlyMap<string, UserRecord>;
  /** By id. */
  readonly tokens: ReadonlyMap<string, TokenRecord>;
  readonly namespaces: ReadonlyMap<string, NamespaceRecord>;
  /** Namespaces of clients with entries, expired ones among them. */
  readonly withEntries: ReadonlySet<string>;
  /** Why the records contradict each other; undefined if they do not. */
  readonly misfit: string | undefined;
}

export function foundAccess(items: readonly NamedItem[]): FoundAccess {
  const misfits: string[] = [];
  const records: AccessRecord[] = [];
  const namespaces = new Map<string, NamespaceRecord>();
  const withEntries = new Set<string>();
  for (const { name, value = new Uint8Array() } of items) {
    const { namespace, key } = entryOfName(name);
    if (namespace === accessNamespace) records.push(decodeAccessRecord(key, value));
    if (!isInternalNamespace(namespace)) withEntries.add(namespace);
    if (namespace !== namespacesNamespace) continue;
    const record = decodeNamespace(key, value);
    if (namespaces.has(record.name)) misfits.push(`${record.name} has two records`);
    namespaces.set(record.name, record);
  }
  const users = new Map<string, UserRecord>();
  const tokens = new Map<string, TokenRecord>();
  let isRequired: boolean | undefined;
  for (const record of records) {
    if (record.kind === 'user') users.set(record.user.name, record.user);
    if (record.kind === 'token') tokens.set(record.token.id, record.token);
    if (record.kind === 'rule') isRequired = record.isTokenRequired;
  }
  if (isRequired === undefined && tokens.size > 0) misfits.push('there are tokens, and no rule');
  const ids = new Set(Array.from(users.values(), ({ id }) => id));
  for (const { id, userId } of tokens.values()) {
    if (!ids.has(userId)) misfits.push(`the token ${id} has no user`);
  }
  for (const record of records) {
    if (record.kind !== 'use' || tokens.has(record.use.tokenId)) continue;
    misfits.push(`there is a time of use of the token ${record.use.tokenId}, and no such token`);
  }
  const [misfit] = misfits;
  return { isRequired: isRequired ?? false, users, tokens, namespaces, withEntries, misfit };
}

/** A namespace with entries and without a record. The default one needs none. */
export function orphansIn({ withEntries, namespaces }: FoundAccess): readonly string[] {
  return [...withEntries].filter((name) => name !== defaultNamespace && !namespaces.has(name));
}

function valuesOf<Kind>(
  records: ReadonlyMap<string, Kind>,
  valueOf: (record: Kind) => readonly [name: string, value: string],
): ReadonlyMap<string, string> {
  return new Map(Array.from(records.values(), valueOf));
}

export function factsOf({ isRequired, users, tokens, namespaces }: FoundAccess): FoundFacts {
  return {
    rule: isRequired ? required : open,
    users: valuesOf(users, ({ name, isDisabled }) => [name, isDisabled ? disabled : enabled]),
    tokens: valuesOf(tokens, ({ name, grants }) => [name, valueOfGrants(grants)]),
    namespaces: valuesOf(namespaces, (record) => [record.name, valueOfSettings(record)]),
  };
}

/**
 * @param isMuddled true for a namespace that may be known in memory alone
 * @returns why the registries are not the records; undefined if they are
 */
export function misfitOfRegistry(
  { callers, namespaces }: Access,
  found: FoundAccess,
  isMuddled: (namespace: string) => boolean,
): string | undefined {
  if (callers.isRequired !== found.isRequired) return 'memory has another rule than the store';
  if (callers.userCount !== found.users.size) return `memory has ${callers.userCount} users`;
  if (callers.tokenCount !== found.tokens.size) return `memory has ${callers.tokenCount} tokens`;
  for (const [name, user] of found.users) {
    const known = callers.user(name)?.record;
    if (!isDeepStrictEqual(known, user)) return `memory has another user ${name}`;
  }
  for (const [id, token] of found.tokens) {
    const known = callers.token(id);
    if (!isDeepStrictEqual(known?.record, token)) return `memory has another token ${token.name}`;
    if (known?.userId !== token.userId) return `the token ${token.name} has another user in memory`;
  }
  return misfitOfNamespaces(namespaces, found, isMuddled);
}

function misfitOfNamespaces(
  namespaces: Access['namespaces'],
  found: FoundAccess,
  isMuddled: (namespace: string) => boolean,
): string | undefined {
  for (const [name, record] of found.namespaces) {
    if (isMuddled(name)) continue;
    const state = namespaces.state(name);
    if (state !== 'made') return `${name} is ${state} in memory, and has a record`;
    const settings = namespaces.settings(name);
    if (settings === undefined || valueOfSettings(settings) !== valueOfSettings(record)) {
      return `${name} has other settings in memory`;
    }
  }
  return undefined;
}
