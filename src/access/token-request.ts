// Checks the bodies of requests that make users and tokens. Makes none.
import { badMember, isObject, refuseUnknownMembers, type JsonObject } from '../base/json-object.ts';
import { grantsOfJson, type Grant } from './grant.ts';

/** A token as its maker asks for it. */
export interface TokenRequest {
  readonly name: string;
  readonly grants: readonly Grant[];
  /** Unix milliseconds. */
  readonly expiresAt: number | undefined;
  readonly requestsPerSecond: number | undefined;
  readonly writtenBytesPerSecond: number | undefined;
}

export interface UserRequest {
  readonly isDisabled: boolean;
}

export const tokenNameMax = 64;

const tokenMembers = new Set([
  'name',
  'grants',
  'expiresAt',
  'requestsPerSecond',
  'writtenBytesPerSecond',
]);
const userMembers = new Set(['disabled']);

function objectOf(json: unknown, allowed: ReadonlySet<string>): JsonObject {
  if (!isObject(json)) {
    const members = [...allowed].join(', ');
    throw badMember(undefined, `The body must be an object; allowed members: ${members}.`);
  }
  refuseUnknownMembers(json, allowed);
  return json;
}

function nameOf(json: unknown): string {
  const isText = typeof json === 'string' && json.isWellFormed() && !/\p{Cc}/u.test(json);
  if (isText && json !== '' && json.length <= tokenNameMax) return json;
  const detail = `name must be text of 1 to ${tokenNameMax} characters, without control characters.`;
  throw badMember('name', detail);
}

function expiresAtOf(json: unknown, nowMs: number): number | undefined {
  if (json === undefined) return undefined;
  if (typeof json === 'number' && Number.isSafeInteger(json) && json > nowMs) return json;
  const detail = `expiresAt must be Unix milliseconds in the future; it is ${nowMs} now.`;
  throw badMember('expiresAt', detail);
}

function rateOf(document: JsonObject, member: string): number | undefined {
  const json = document[member];
  if (json === undefined) return undefined;
  if (typeof json === 'number' && Number.isSafeInteger(json) && json > 0) return json;
  throw badMember(member, `${member} must be a positive integer.`);
}

/**
 * @param nowMs Unix milliseconds
 * @throws StoreError BAD_REQUEST, NAMESPACE_INVALID
 */
export function parseTokenRequest(json: unknown, nowMs: number): TokenRequest {
  const document = objectOf(json, tokenMembers);
  return {
    name: nameOf(document['name']),
    grants: grantsOfJson(document['grants']),
    expiresAt: expiresAtOf(document['expiresAt'], nowMs),
    requestsPerSecond: rateOf(document, 'requestsPerSecond'),
    writtenBytesPerSecond: rateOf(document, 'writtenBytesPerSecond'),
  };
}

/**
 * Absent members count as their defaults, as a PUT replaces what was there.
 *
 * @throws StoreError BAD_REQUEST
 */
export function parseUserRequest(json: unknown): UserRequest {
  const { disabled = false } = objectOf(json, userMembers);
  if (typeof disabled === 'boolean') return { isDisabled: disabled };
  throw badMember('disabled', 'disabled must be true or false.');
}
