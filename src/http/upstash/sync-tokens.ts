// The token that a client takes from each reply and sends back with its next request. This store is
// one copy: each read sees all writes answered before it, whatever token the client sends. So a
// token only tells which writes of this dialect a reply comes after.
import { randomBytes } from 'node:crypto';

export const syncTokenHeader = 'upstash-sync-token';

export class SyncTokens {
  /** Random, because no two lives of the program may give the same token. */
  readonly #life = randomBytes(9).toString('base64url');
  #writes = 0;
  #current = this.#tokenOf(0);

  get current(): string {
    return this.#current;
  }

  /** The caller calls this before it answers a request that may have written. */
  noteWrite(): void {
    this.#writes += 1;
    this.#current = this.#tokenOf(this.#writes);
  }

  #tokenOf(writes: number): string {
    return `${this.#life}.${writes.toString(36)}`;
  }
}
