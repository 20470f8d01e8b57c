// Owns the rules by which users and tokens are made, changed and deleted. Changes the store first,
// then the registry in memory. Knows no request.
import { randomUUID } from 'node:crypto';
import { StoreError } from '../base/errors.ts';
import {
  encodeRule,
  encodeToken,
  encodeUser,
  nameOfRule,
  nameOfToken,
  namesOfToken,
  nameOfUser,
  type TokenRecord,
  type UserRecord,
} from './access-records.ts';
import type { Callers } from './callers.ts';
import type { Judge, RecordChange, RecordChanges } from './record-changes.ts';
import { administerServer, type KnownUser, type TokenCaller } from './token-caller.ts';
import { hashOfToken, makeToken, type NewToken } from './token.ts';
import type { TokenRequest, UserRequest } from './token-request.ts';
import { checkUserName } from './user-name.ts';
import {
  viewOfNewToken,
  viewOfToken,
  viewOfUser,
  type NewTokenView,
  type Page,
  type TokenView,
  type UserView,
} from './views.ts';

/** All of them are in memory. */
export const usersMax = 100_000;
export const tokensMax = 100_000;
export const tokensOfUserMax = 1000;

/** Makes the ids that no client chooses. */
export interface NewIds {
  /** No user, present or past, has had it. */
  readonly ofUser: () => string;
  readonly token: () => NewToken;
}

export const randomIds: NewIds = { ofUser: randomUUID, token: makeToken };

export interface AdministrationOptions {
  readonly callers: Callers;
  readonly records: RecordChanges;
  /** Unix milliseconds that never go back. */
  readonly nowMs: () => number;
  readonly newIds: NewIds;
}

/** A change asks its judge, if it has one, once no other change can come before it. */
export class Administration {
  readonly #options: AdministrationOptions;

  constructor(options: AdministrationOptions) {
    this.#options = options;
  }

  /**
   * @returns whether the user was new
   * @throws StoreError BAD_REQUEST, ADMIN_TOKEN_REQUIRED, ACCESS_FULL; the store's refusals
   */
  putUser(
    name: string,
    { isDisabled }: UserRequest,
    judge?: Judge,
  ): Promise<'created' | 'changed'> {
    checkUserName(name);
    const { callers, nowMs, records, newIds } = this.#options;
    return records.exclusive(async () => {
      const before = callers.user(name)?.record;
      if (before?.isDisabled === isDisabled) return 'changed';
      if (before === undefined && callers.userCount >= usersMax) throw full('users', usersMax);
      if (isDisabled) this.#refuseLosingAdmins((admin) => admin.user === name);
      const user: UserRecord = {
        name,
        id: before?.id ?? newIds.ofUser(),
        createdAt: before?.createdAt ?? nowMs(),
        isDisabled,
      };
      await records.commit({
        changes: [{ name: nameOfUser(name), put: encodeUser(user) }],
        apply: () => void callers.putUser(user),
      });
      return before === undefined ? 'created' : 'changed';
    }, judge);
  }

  /** @throws StoreError USER_NOT_FOUND */
  user(name: string): UserView {
    const { record } = this.#known(name);
    if (record === undefined) throw noUser(name);
    return viewOfUser(record);
  }

  /** @param after continue behind this name */
  users(after: string | undefined, limit: number): Page<UserView> {
    const { callers } = this.#options;
    const names = callers.userNames(after, limit + 1);
    const items = names.slice(0, limit).map((name) => this.user(name));
    return { items, next: names.length > limit ? names[limit - 1] : undefined };
  }

  /**
   * Deletes all tokens of the user, too.
   *
   * @throws StoreError USER_NOT_FOUND, ADMIN_TOKEN_REQUIRED; the store's refusals
   */
  deleteUser(name: string, judge?: Judge): Promise<void> {
    const { callers, records } = this.#options;
    return records.exclusive(async () => {
      const { tokens } = this.#known(name);
      this.#refuseLosingAdmins((admin) => admin.user === name);
      const changes: RecordChange[] = [{ name: nameOfUser(name), put: undefined }];
      for (const id of tokens.keys()) changes.push(...withoutToken(id));
      await records.commit({ changes, apply: () => callers.removeUser(name) });
    }, judge);
  }

  /**
   * The first token makes the store one that needs tokens, for good.
   *
   * @returns the only view that shows the token itself
   * @throws StoreError USER_NOT_FOUND, ADMIN_TOKEN_REQUIRED, ACCESS_FULL; the store's refusals
   */
  createToken(userName: string, request: TokenRequest, judge?: Judge): Promise<NewTokenView> {
    const { callers, records } = this.#options;
    return records.exclusive(async () => {
      const user = this.#known(userName);
      this.#refuseFullTokens(user);
      this.#refuseTokenBeforeAdmin(user, request);
      const { record, text } = this.#make(user, request);
      await records.commit({
        changes: [
          { name: nameOfToken(record.id), put: encodeToken(record) },
          ...(callers.isRequired ? [] : [{ name: nameOfRule, put: encodeRule(true) }]),
        ],
        apply: () => {
          callers.addToken(user, record);
          callers.setRequired(true);
        },
      });
      return viewOfNewToken(record, text);
    }, judge);
  }

  /**
   * The oldest comes first.
   *
   * @throws StoreError USER_NOT_FOUND
   */
  tokens(userName: string): readonly TokenView[] {
    return [...this.#known(userName).tokens.values()]
      .map(viewOfToken)
      .toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  }

  /** @throws StoreError USER_NOT_FOUND, TOKEN_NOT_FOUND, ADMIN_TOKEN_REQUIRED; the store's refusals */
  deleteToken(userName: string, id: string, judge?: Judge): Promise<void> {
    const { callers, records } = this.#options;
    return records.exclusive(async () => {
      const token = this.#known(userName).tokens.get(id);
      if (token === undefined) throw noToken(userName);
      this.#refuseLosingAdmins((admin) => admin === token);
      await records.commit({ changes: withoutToken(id), apply: () => callers.removeToken(id) });
    }, judge);
  }

  /**
   * Lets callers without a token do everything. Only for a store that no server serves. Tokens stay,
   * and count again once another one is made.
   */
  requireNoToken(): Promise<void> {
    const { callers, records } = this.#options;
    return records.exclusive(() =>
      records.commit({
        changes: [{ name: nameOfRule, put: encodeRule(false) }],
        apply: () => callers.setRequired(false),
      }),
    );
  }

  #known(userName: string): KnownUser {
    const user = this.#options.callers.user(userName);
    if (user === undefined) throw noUser(userName);
    return user;
  }

  #make(user: KnownUser, request: TokenRequest): { record: TokenRecord; text: string } {
    const { callers, nowMs, newIds } = this.#options;
    let made: NewToken;
    do made = newIds.token();
    while (callers.token(made.id) !== undefined);
    const { id, text } = made;
    const hash = hashOfToken(text);
    return { record: { id, userId: user.id, hash, createdAt: nowMs(), ...request }, text };
  }

  #refuseFullTokens({ tokens }: KnownUser): void {
    const { callers } = this.#options;
    if (tokens.size >= tokensOfUserMax) throw full('tokens of one user', tokensOfUserMax);
    if (callers.tokenCount >= tokensMax) throw full('tokens', tokensMax);
  }

  /** Without an administrator, a token would close the store for good. */
  #refuseTokenBeforeAdmin(user: KnownUser, { grants }: TokenRequest): void {
    const { callers, nowMs } = this.#options;
    if (callers.serverTokens.hasAdmin || callers.hasAdmin(nowMs)) return;
    if (administerServer(grants) && user.record?.isDisabled === false) return;
    const detail =
      'The first token must have the role admin on "*", without prefixes, and its user must not be ' +
      'disabled: otherwise no token could administer the server. No token was made.';
    throw new StoreError('ADMIN_TOKEN_REQUIRED', detail, { parameter: 'grants' });
  }

  #refuseLosingAdmins(isLost: (admin: TokenCaller) => boolean): void {
    const { callers, nowMs } = this.#options;
    if (callers.serverTokens.hasAdmin || !callers.hasAdmin(nowMs)) return;
    if (callers.hasAdmin(nowMs, isLost)) return;
    const detail =
      'This would end the last valid token with the role admin on "*". Make another one first, or ' +
      'start the server with HOLDFAST_TOKEN. Nothing was changed.';
    throw new StoreError('ADMIN_TOKEN_REQUIRED', detail);
  }
}

function withoutToken(id: string): RecordChange[] {
  return namesOfToken(id).map((name) => ({ name, put: undefined }));
}

function noUser(name: string): StoreError {
  return new StoreError('USER_NOT_FOUND', `There is no user ${JSON.stringify(name)}.`);
}

function noToken(userName: string): StoreError {
  const detail = `The user ${JSON.stringify(userName)} has no token with this id.`;
  return new StoreError('TOKEN_NOT_FOUND', detail);
}

function full(what: string, limit: number): StoreError {
  const detail = `There may be at most ${limit} ${what}. Nothing was made.`;
  return new StoreError('ACCESS_FULL', detail, { limit });
}
