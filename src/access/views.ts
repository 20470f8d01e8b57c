// Users, tokens, namespaces and callers as JSON documents for clients. A view has no secret and no hash.
import type { TokenRecord, UserRecord } from './access-records.ts';
import type { Caller } from './caller.ts';
import { documentOfGrant, type GrantDocument } from './grant.ts';
import type { Audit } from './namespace-settings.ts';
import type { TokenCaller } from './token-caller.ts';

export interface UserView {
  readonly name: string;
  readonly disabled: boolean;
  readonly createdAt: number;
}

export interface TokenView {
  readonly id: string;
  readonly name: string;
  readonly grants: readonly GrantDocument[];
  readonly createdAt: number;
  readonly lastUsedAt?: number;
  readonly expiresAt?: number;
  readonly requestsPerSecond?: number;
  readonly writtenBytesPerSecond?: number;
}

/** The one view of a token that has its text. */
export interface NewTokenView extends TokenView {
  readonly token: string;
}

export interface NamespaceView {
  readonly name: string;
  readonly keys: number;
  /** Keys and values, summed. */
  readonly bytes: number;
  readonly keysMax?: number;
  readonly bytesMax?: number;
  readonly audit: Audit;
  readonly createdAt: number;
}

export interface CallerView {
  readonly user: string | null;
  readonly token?: string;
  readonly grants: readonly GrantDocument[];
}

export interface Page<View> {
  readonly items: readonly View[];
  /** Ask for the next page behind this name; undefined on the last page. */
  readonly next: string | undefined;
}

export function viewOfUser({ name, isDisabled, createdAt }: UserRecord): UserView {
  return { name, disabled: isDisabled, createdAt };
}

function viewOfRecord(record: TokenRecord, lastUsedAt: number | undefined): TokenView {
  const { id, name, grants, createdAt, expiresAt } = record;
  const { requestsPerSecond, writtenBytesPerSecond } = record;
  return {
    id,
    name,
    grants: grants.map(documentOfGrant),
    createdAt,
    ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(requestsPerSecond === undefined ? {} : { requestsPerSecond }),
    ...(writtenBytesPerSecond === undefined ? {} : { writtenBytesPerSecond }),
  };
}

export function viewOfToken({ record, lastUsedAt }: TokenCaller): TokenView {
  return viewOfRecord(record, lastUsedAt);
}

export function viewOfNewToken(record: TokenRecord, token: string): NewTokenView {
  const { id, name, ...rest } = viewOfRecord(record, undefined);
  return { id, name, token, ...rest };
}

export function viewOfCaller({ user, token, rights }: Caller): CallerView {
  const grants = rights.grants.map(documentOfGrant);
  return { user, ...(token === undefined ? {} : { token: token.name }), grants };
}
