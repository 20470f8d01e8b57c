// The one that a request acts for. Made once a token, and asked again as long as a request lasts.
import type { CallerRates, RateFigures } from './caller-rates.ts';
import type { Rights } from './rights.ts';

export interface Caller {
  /** The user's name; null on a server that needs no token. */
  readonly user: string | null;
  /**
   * Another one if a user of this name was deleted and made again. For scopes that belong to one user.
   * Empty for the caller of an open server.
   */
  readonly userId: string;
  /** Undefined without a token, and for a server token. */
  readonly token: CallerToken | undefined;
  /** The present ones: dropping a namespace takes grants away. */
  readonly rights: Rights;
  /** Undefined if the caller has no rate. The same object as long as the caller lasts. */
  readonly rates: CallerRates | undefined;
  /**
   * False once the token is revoked or has expired, or its user is disabled or deleted. Then the
   * caller may do nothing any more, whatever the rights say.
   *
   * @param nowMs tells Unix milliseconds that never go back; asked only if the token expires
   */
  isValid(nowMs: () => number): boolean;
}

export interface CallerToken extends RateFigures {
  readonly id: string;
  readonly name: string;
}
