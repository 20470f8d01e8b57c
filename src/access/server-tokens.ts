// The tokens that the operator gives to the server when it starts. They are in no store. Checks
// neither their length nor their number: the caller that reads them does.
import type { Caller } from './caller.ts';
import { allRights, readingRights, type Rights } from './rights.ts';
import { areSameHash, hashOfToken } from './token.ts';

export interface ServerTokensOptions {
  /** May do everything. */
  readonly tokens?: readonly string[] | undefined;
  /** Read every namespace. */
  readonly readTokens?: readonly string[] | undefined;
}

interface ServerToken {
  readonly hash: string;
  readonly caller: Caller;
}

/** No user of the store has such a name, or such an id. */
function callerOf(user: string, rights: Rights): Caller {
  return { user, userId: user, token: undefined, rights, rates: undefined, isValid: () => true };
}

export class ServerTokens {
  /** True if one may do everything: administration then needs no token of the store. */
  readonly hasAdmin: boolean;
  readonly #tokens: readonly ServerToken[];

  constructor({ tokens = [], readTokens = [] }: ServerTokensOptions) {
    const admin = callerOf('~token', allRights);
    const reader = callerOf('~read-token', readingRights);
    this.hasAdmin = tokens.length > 0;
    this.#tokens = [
      ...tokens.map((text) => ({ hash: hashOfToken(text), caller: admin })),
      ...readTokens.map((text) => ({ hash: hashOfToken(text), caller: reader })),
    ];
  }

  get areEmpty(): boolean {
    return this.#tokens.length === 0;
  }

  /** Compares with all of them, so that the time tells nothing. */
  find(hash: string): Caller | undefined {
    let found: Caller | undefined;
    for (const token of this.#tokens) if (areSameHash(token.hash, hash)) found = token.caller;
    return found;
  }
}
