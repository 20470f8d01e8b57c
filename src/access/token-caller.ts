// A token of the store as a caller. There is one such object a token, which the registry changes
// when the token or its user changes. So a request that lasts learns of it.
import type { TokenRecord, UserRecord } from './access-records.ts';
import type { Caller, CallerToken } from './caller.ts';
import { ratesOf, type CallerRates } from './caller-rates.ts';
import { everyNamespace, isAdminGrant, type Grant } from './grant.ts';
import { Rights } from './rights.ts';

/** A user in memory. `record` is undefined once the user is deleted. */
export interface KnownUser {
  record: UserRecord | undefined;
  readonly id: string;
  readonly name: string;
  readonly tokens: Map<string, TokenCaller>;
}

export class TokenCaller implements Caller {
  readonly rates: CallerRates | undefined;
  readonly #user: KnownUser;
  #record: TokenRecord;
  #isRevoked = false;
  #rights: Rights | undefined;
  /** Unix milliseconds, as loaded, or as TokenUses has noted it since. */
  lastUsedAt: number | undefined;

  constructor(user: KnownUser, record: TokenRecord) {
    this.#user = user;
    this.#record = record;
    this.rates = ratesOf(record);
  }

  get user(): string {
    return this.#user.name;
  }

  get userId(): string {
    return this.#user.id;
  }

  get token(): CallerToken {
    return this.#record;
  }

  get record(): TokenRecord {
    return this.#record;
  }

  /** Compiled on first use: most tokens of a store are not in use. */
  get rights(): Rights {
    this.#rights ??= new Rights(this.#record.grants);
    return this.#rights;
  }

  get isRevoked(): boolean {
    return this.#isRevoked;
  }

  isValid(nowMs: () => number): boolean {
    if (this.#isRevoked || (this.#user.record?.isDisabled ?? true)) return false;
    const { expiresAt } = this.#record;
    return expiresAt === undefined || nowMs() < expiresAt;
  }

  /** @param record with the same rates */
  change(record: TokenRecord): void {
    this.#record = record;
    this.#rights = undefined;
  }

  revoke(): void {
    this.#isRevoked = true;
  }
}

/** True if a token with these grants administers the server. */
export function administerServer(grants: readonly Grant[]): boolean {
  return grants.some((grant) => grant.namespace === everyNamespace && isAdminGrant(grant));
}
