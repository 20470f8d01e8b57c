// The registry of users and tokens in memory. Finds the caller of a request by its token. The store
// has the same in its records: administration changes the store first, then this.
import { assert } from '../base/assert.ts';
import type { TokenRecord, UserRecord } from './access-records.ts';
import type { Caller } from './caller.ts';
import { allRights } from './rights.ts';
import type { ServerTokens } from './server-tokens.ts';
import { SortedNames } from './sorted-names.ts';
import { administerServer, TokenCaller, type KnownUser } from './token-caller.ts';
import { areSameHash, hashOfNoToken, hashOfToken, idOfToken } from './token.ts';

export class Callers {
  /** The caller of a server that needs no token. Invalid once the server needs one. */
  readonly anonymous: Caller;
  readonly serverTokens: ServerTokens;
  readonly #users = new Map<string, KnownUser>();
  readonly #userNames = new SortedNames();
  readonly #tokens = new Map<string, TokenCaller>();
  /** Tokens of the store that administer the server, if they are valid. */
  readonly #admins = new Set<TokenCaller>();
  #isRequired = false;
  #tokensWithRates = 0;

  constructor(serverTokens: ServerTokens) {
    this.serverTokens = serverTokens;
    this.anonymous = {
      user: null,
      userId: '',
      token: undefined,
      rights: allRights,
      rates: undefined,
      isValid: () => this.isOpen,
    };
  }

  /** Any token, or none, may do everything. */
  get isOpen(): boolean {
    return !this.#isRequired && this.serverTokens.areEmpty;
  }

  /** The store says that access needs a token. */
  get isRequired(): boolean {
    return this.#isRequired;
  }

  get userCount(): number {
    return this.#users.size;
  }

  get tokenCount(): number {
    return this.#tokens.size;
  }

  /** True if a token has a rate. */
  get haveRates(): boolean {
    return this.#tokensWithRates > 0;
  }

  /**
   * Takes one SHA-256, for a token that is known and for one that is not.
   *
   * @param token the text that came with a request
   * @param nowMs tells Unix milliseconds that never go back
   * @returns undefined if there is no such token, or it is not valid
   */
  find(token: string, nowMs: () => number): Caller | undefined {
    const hash = hashOfToken(token);
    const ofServer = this.serverTokens.find(hash);
    const id = idOfToken(token);
    const known = id === undefined ? undefined : this.#tokens.get(id);
    const isSame = areSameHash(known?.record.hash ?? hashOfNoToken, hash);
    if (ofServer !== undefined) return ofServer;
    return known !== undefined && isSame && known.isValid(nowMs) ? known : undefined;
  }

  user(name: string): KnownUser | undefined {
    return this.#users.get(name);
  }

  token(id: string): TokenCaller | undefined {
    return this.#tokens.get(id);
  }

  /** In no order. */
  tokens(): IterableIterator<TokenCaller> {
    return this.#tokens.values();
  }

  /**
   * @param after continue behind this name
   * @returns at most `limit` names, in order
   */
  userNames(after: string | undefined, limit: number): readonly string[] {
    return this.#userNames.page(after, limit);
  }

  /** True if a valid token of the store, other than those left out, administers the server. */
  hasAdmin(nowMs: () => number, isLeftOut: (token: TokenCaller) => boolean = () => false): boolean {
    for (const admin of this.#admins) if (admin.isValid(nowMs) && !isLeftOut(admin)) return true;
    return false;
  }

  setRequired(isRequired: boolean): void {
    this.#isRequired = isRequired;
  }

  putUser(record: UserRecord): KnownUser {
    const known = this.#users.get(record.name);
    if (known !== undefined) {
      assert(known.id === record.id, 'a user keeps its id');
      known.record = record;
      return known;
    }
    const user: KnownUser = { record, id: record.id, name: record.name, tokens: new Map() };
    this.#users.set(record.name, user);
    this.#userNames.add(record.name);
    return user;
  }

  /** Revokes all tokens of the user, too. */
  removeUser(name: string): void {
    const user = this.#users.get(name);
    if (user === undefined) return;
    for (const id of user.tokens.keys()) this.removeToken(id);
    user.record = undefined;
    this.#users.delete(name);
    this.#userNames.delete(name);
  }

  /** @param user the one that has the record's `userId` */
  addToken(user: KnownUser, record: TokenRecord): void {
    const token = new TokenCaller(user, record);
    this.#tokens.set(record.id, token);
    user.tokens.set(record.id, token);
    if (token.rates !== undefined) this.#tokensWithRates += 1;
    if (administerServer(record.grants)) this.#admins.add(token);
  }

  /** Takes grants from a token, but none that lets it administer the server. */
  changeToken(record: TokenRecord): void {
    this.#tokens.get(record.id)?.change(record);
  }

  removeToken(id: string): void {
    const token = this.#tokens.get(id);
    if (token === undefined) return;
    token.revoke();
    this.#tokens.delete(id);
    this.#admins.delete(token);
    if (token.rates !== undefined) this.#tokensWithRates -= 1;
    this.#users.get(token.user)?.tokens.delete(id);
  }
}
