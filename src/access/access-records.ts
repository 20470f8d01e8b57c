// The stored form of users, tokens and the rule that a token is needed: JSON documents in a
// namespace that no client can name. One hash tag puts all of them into one shard. Holds the hash of
// a token, never the token. Asks no store.
import { StoreError } from '../base/errors.ts';
import { isObject, type JsonObject } from '../base/json-object.ts';
import type { EntryName } from '../store/operation.ts';
import { documentOfGrant, grantsOfJson, type Grant } from './grant.ts';
import { isTokenId, tokenHashLength } from './token.ts';
import { isUserName } from './user-name.ts';

export const accessNamespace = '~access';

const tag = '{access}';

/** All times are Unix milliseconds. */
export interface UserRecord {
  readonly name: string;
  /** Random: a user deleted and made again is another user. */
  readonly id: string;
  readonly createdAt: number;
  readonly isDisabled: boolean;
}

export interface TokenRecord {
  readonly id: string;
  readonly userId: string;
  /** The label that its maker chose. */
  readonly name: string;
  /** SHA-256 of the token's text, a byte string. */
  readonly hash: string;
  readonly grants: readonly Grant[];
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
  readonly requestsPerSecond: number | undefined;
  readonly writtenBytesPerSecond: number | undefined;
}

export interface UseRecord {
  readonly tokenId: string;
  readonly lastUsedAt: number;
}

/** `rule`: whether access needs a token. It does, too, if there is no such record but a token. */
export type AccessRecord =
  | { readonly kind: 'rule'; readonly isTokenRequired: boolean }
  | { readonly kind: 'user'; readonly user: UserRecord }
  | { readonly kind: 'token'; readonly token: TokenRecord }
  | { readonly kind: 'use'; readonly use: UseRecord };

function nameOf(kind: AccessRecord['kind'], rest = ''): EntryName {
  return { namespace: accessNamespace, key: `${tag}${kind}${rest === '' ? '' : '/'}${rest}` };
}

export const nameOfRule = nameOf('rule');
export const nameOfUser = (name: string): EntryName => nameOf('user', name);
export const nameOfToken = (id: string): EntryName => nameOf('token', id);
export const nameOfUse = (tokenId: string): EntryName => nameOf('use', tokenId);

/** All records of a token: they go with it. */
export function namesOfToken(id: string): readonly EntryName[] {
  return [nameOfToken(id), nameOfUse(id)];
}

function encode(document: JsonObject): Buffer {
  return Buffer.from(JSON.stringify(document));
}

export function encodeRule(isTokenRequired: boolean): Buffer {
  return encode({ tokenRequired: isTokenRequired });
}

export function encodeUser({ id, createdAt, isDisabled }: UserRecord): Buffer {
  return encode({ id, createdAt, disabled: isDisabled });
}

export function encodeToken(token: TokenRecord): Buffer {
  const { userId, name, hash, grants, createdAt, expiresAt } = token;
  const { requestsPerSecond, writtenBytesPerSecond } = token;
  const sha256 = Buffer.from(hash, 'latin1').toString('hex');
  const who = { user: userId, name, sha256, grants: grants.map(documentOfGrant) };
  return encode({ ...who, createdAt, expiresAt, requestsPerSecond, writtenBytesPerSecond });
}

export function encodeUse({ lastUsedAt }: UseRecord): Buffer {
  return encode({ lastUsedAt });
}

function isTime(json: unknown): json is number {
  return Number.isSafeInteger(json) && Number(json) >= 0;
}

function isOptionalCount(json: unknown): json is number | undefined {
  return json === undefined || (Number.isSafeInteger(json) && Number(json) > 0);
}

function userOf(name: string, { id, createdAt, disabled }: JsonObject): UserRecord | undefined {
  if (!isUserName(name) || typeof id !== 'string' || id === '' || !isTime(createdAt)) {
    return undefined;
  }
  if (typeof disabled !== 'boolean') return undefined;
  return { name, id, createdAt, isDisabled: disabled };
}

function tokenOf(id: string, document: JsonObject): TokenRecord | undefined {
  const { user, name, sha256, createdAt, expiresAt } = document;
  const { requestsPerSecond, writtenBytesPerSecond } = document;
  if (!isTokenId(id) || typeof user !== 'string' || typeof name !== 'string') return undefined;
  if (typeof sha256 !== 'string' || !/^[0-9a-f]+$/.test(sha256)) return undefined;
  const hash = Buffer.from(sha256, 'hex').toString('latin1');
  if (hash.length !== tokenHashLength || sha256.length !== 2 * tokenHashLength) return undefined;
  if (!isTime(createdAt) || !(expiresAt === undefined || isTime(expiresAt))) return undefined;
  if (!isOptionalCount(requestsPerSecond) || !isOptionalCount(writtenBytesPerSecond)) {
    return undefined;
  }
  const grants = grantsOfJson(document['grants']);
  const rates = { requestsPerSecond, writtenBytesPerSecond };
  return { id, userId: user, name, hash, grants, createdAt, expiresAt, ...rates };
}

function recordOf(key: string, document: JsonObject): AccessRecord | undefined {
  const { tokenRequired } = document;
  if (key === nameOfRule.key) {
    if (typeof tokenRequired !== 'boolean') return undefined;
    return { kind: 'rule', isTokenRequired: tokenRequired };
  }
  const slash = key.indexOf('/');
  const [kind, rest] = [key.slice(tag.length, slash), key.slice(slash + 1)];
  if (kind === 'user') {
    const user = userOf(rest, document);
    return user && { kind, user };
  }
  if (kind === 'token') {
    const token = tokenOf(rest, document);
    return token && { kind, token };
  }
  const { lastUsedAt } = document;
  if (kind !== 'use' || !isTokenId(rest) || !isTime(lastUsedAt)) return undefined;
  return { kind, use: { tokenId: rest, lastUsedAt } };
}

/**
 * Reads an entry of `accessNamespace`. A record that this program does not understand is refused:
 * the program must not guess whom it lets in.
 *
 * @throws StoreError STORE_MISMATCH
 */
export function decodeAccessRecord(key: string, value: Uint8Array): AccessRecord {
  let cause: unknown;
  try {
    const document: unknown = JSON.parse(Buffer.from(value).toString('utf8'));
    const record = isObject(document) ? recordOf(key, document) : undefined;
    if (record !== undefined) return record;
  } catch (error) {
    cause = error;
  }
  const detail =
    `The entry ${JSON.stringify(key)} of namespace ${accessNamespace} is no record of a user or ` +
    'token that this version of the program knows.';
  throw new StoreError('STORE_MISMATCH', detail, {}, cause);
}
