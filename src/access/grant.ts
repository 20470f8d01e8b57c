// Owns grants: a token may do so much in one namespace, or in every one. Checks grants as they come
// in JSON. Does not ask whether a grant covers a key: rights.ts does.
import { byteStringOfText, textOfByteString } from '../base/byte-string.ts';
import { StoreError } from '../base/errors.ts';
import { badMember, isObject, refuseUnknownMembers } from '../base/json-object.ts';
import { checkNamespaceName } from '../base/namespace-name.ts';

/** Each role may also do all that the roles before it may. */
export const roles = ['read', 'write', 'admin'] as const;

export type Role = (typeof roles)[number];

/** The namespace of a grant that counts for every namespace. */
export const everyNamespace = '*';

export interface Grant {
  readonly namespace: string;
  readonly role: Role;
  /** Only keys that begin with one of these byte strings. Undefined: all keys. */
  readonly prefixes: readonly string[] | undefined;
}

/** True if the grant administers its namespace. An admin of some keys administers nothing. */
export function isAdminGrant({ role, prefixes }: Grant): boolean {
  return role === 'admin' && prefixes === undefined;
}

/** The same as JSON. Prefixes are text. */
export interface GrantDocument {
  readonly namespace: string;
  readonly role: Role;
  readonly prefixes?: readonly string[];
}

export const grantsMax = 100;
export const prefixesMax = 100;
export const prefixBytesMax = 1024;
/** Bytes of all prefixes of one token: every token of the store is in memory. */
export const tokenPrefixBytesMax = 64 * 1024;

const members = new Set(['namespace', 'role', 'prefixes']);

function isRole(json: unknown): json is Role {
  return (roles as readonly unknown[]).includes(json);
}

function prefixOf(json: unknown, place: string): string {
  if (typeof json !== 'string' || json === '' || !json.isWellFormed()) {
    const detail = `${place} must be well-formed text of at least one character.`;
    throw badMember(place, `${detail} Leave prefixes out to grant all keys.`);
  }
  const prefix = byteStringOfText(json);
  if (prefix.length <= prefixBytesMax) return prefix;
  const detail = `A prefix may have at most ${prefixBytesMax} bytes of UTF-8; ${place} has ${prefix.length}.`;
  throw new StoreError('BAD_REQUEST', detail, { parameter: place, limit: prefixBytesMax });
}

function prefixesOf(json: unknown, place: string): readonly string[] | undefined {
  if (json === undefined) return undefined;
  const list: unknown[] = Array.isArray(json) ? json : [];
  if (list.length === 0 || list.length > prefixesMax) {
    const detail = `${place} must be a list of 1 to ${prefixesMax} prefixes.`;
    throw badMember(place, `${detail} Leave it out to grant all keys.`);
  }
  return list.map((item, index) => prefixOf(item, `${place}[${index}]`));
}

function grantOf(json: unknown, place: string): Grant {
  if (!isObject(json)) throw badMember(place, `${place} must be an object.`);
  refuseUnknownMembers(json, members);
  const { namespace, role } = json;
  if (namespace !== everyNamespace) checkNamespaceName(namespace, `${place}.namespace`);
  if (!isRole(role)) {
    throw badMember(`${place}.role`, `${place}.role must be "read", "write" or "admin".`);
  }
  return { namespace, role, prefixes: prefixesOf(json['prefixes'], `${place}.prefixes`) };
}

/**
 * @param json the member `grants` of a token. Several grants may name one namespace.
 * @throws StoreError BAD_REQUEST, NAMESPACE_INVALID
 */
export function grantsOfJson(json: unknown): readonly Grant[] {
  const list: unknown[] = Array.isArray(json) ? json : [];
  if (list.length === 0 || list.length > grantsMax) {
    throw badMember('grants', `grants must be a list of 1 to ${grantsMax} grants.`);
  }
  const grants = list.map((item, index) => grantOf(item, `grants[${index}]`));
  const prefixes = grants.flatMap((grant) => grant.prefixes ?? []);
  const bytes = prefixes.reduce((sum, { length }) => sum + length, 0);
  if (bytes <= tokenPrefixBytesMax) return grants;
  const detail =
    `The prefixes of a token may have at most ${tokenPrefixBytesMax} bytes together; these have ` +
    `${bytes}.`;
  throw new StoreError('BAD_REQUEST', detail, { parameter: 'grants', limit: tokenPrefixBytesMax });
}

export function documentOfGrant({ namespace, role, prefixes }: Grant): GrantDocument {
  if (prefixes === undefined) return { namespace, role };
  return { namespace, role, prefixes: prefixes.map(textOfByteString) };
}
