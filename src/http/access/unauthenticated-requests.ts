// Counts requests without a valid token, and logs them: at most one line a minute, however many
// there are. Names addresses only if a trusted proxy tells them. Keeps no token.
import type { Logger } from 'pino';
import type { TrustedProxies } from './trusted-proxies.ts';
import type { RequestHead } from '../wire/request-head.ts';

const intervalMs = 60_000;

/** One line names so many addresses. */
const addressesMax = 20;

export interface UnauthenticatedRequestsOptions {
  readonly proxies: TrustedProxies;
  readonly monotonicMs: () => number;
  readonly logger: Logger | false;
}

export class UnauthenticatedRequests {
  readonly #options: UnauthenticatedRequestsOptions;
  readonly #addresses = new Map<string, number>();
  #loggedAtMs = -Infinity;
  #loggedMissing = 0;
  #loggedUnknown = 0;
  #missing = 0;
  #unknown = 0;

  constructor(options: UnauthenticatedRequestsOptions) {
    this.#options = options;
  }

  /** Requests without a token. */
  get missing(): number {
    return this.#missing;
  }

  /** Requests whose token is unknown, revoked or expired. */
  get unknown(): number {
    return this.#unknown;
  }

  readonly note = (request: RequestHead, hasToken: boolean): void => {
    if (hasToken) this.#unknown += 1;
    else this.#missing += 1;
    this.#noteAddress(request);
    const now = this.#options.monotonicMs();
    if (now - this.#loggedAtMs < intervalMs) return;
    this.#loggedAtMs = now;
    this.#log();
  };

  #noteAddress(request: RequestHead): void {
    const address = this.#options.proxies.addressOf(request);
    if (address === undefined) return;
    const count = this.#addresses.get(address);
    if (count !== undefined) this.#addresses.set(address, count + 1);
    else if (this.#addresses.size < addressesMax) this.#addresses.set(address, 1);
  }

  #log(): void {
    const { logger } = this.#options;
    if (logger !== false) {
      const facts = {
        withoutToken: this.#missing - this.#loggedMissing,
        withUnknownToken: this.#unknown - this.#loggedUnknown,
        ...(this.#addresses.size === 0 ? {} : { addresses: Object.fromEntries(this.#addresses) }),
      };
      logger.warn(facts, 'requests without a valid token were refused since the last such line');
    }
    this.#loggedMissing = this.#missing;
    this.#loggedUnknown = this.#unknown;
    this.#addresses.clear();
  }
}
