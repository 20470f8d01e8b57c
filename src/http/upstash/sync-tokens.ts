// The token that clients of this protocol take from each reply and send back with the next request.
// This store is one copy: each read sees all writes that were answered before it, whatever token
// comes. So tokens only tell which writes of this dialect a reply comes after.
import { randomBytes } from 'node:crypto';

export const syncTokenHeader = 'upstash-sync-token';

export class SyncTokens {
  /** No two lives of the program give the same token. */
  readonly #life = randomBytes(9).toString('base64url');
  #writes = 0;
  #current = this.#tokenOf(0);

  get current(): string {
    return this.#current;
  }

  /** To be called for each request that may have written, before it is answered. */
  noteWrite(): void {
    this.#writes += 1;
    this.#current = this.#tokenOf(this.#writes);
  }

  #tokenOf(writes: number): string {
    return `${this.#life}.${writes.toString(36)}`;
  }
}
