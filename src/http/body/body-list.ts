// The list of arriving bodies, in order of their first byte. The links are in the bodies
// themselves. A set that every request joins would grow tables that outlive the requests.
import type { BodyAccount } from './body-account.ts';

export class BodyList {
  #oldest: BodyAccount | undefined;
  #newest: BodyAccount | undefined;

  get oldest(): BodyAccount | undefined {
    return this.#oldest;
  }

  has(body: BodyAccount): boolean {
    return body === this.#oldest || body.older !== undefined;
  }

  append(body: BodyAccount): void {
    body.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = body;
    else this.#newest.newer = body;
    this.#newest = body;
  }

  remove(body: BodyAccount): void {
    const { older, newer } = body;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    body.older = undefined;
    body.newer = undefined;
  }

  *[Symbol.iterator](): Generator<BodyAccount> {
    for (let body = this.#oldest; body !== undefined; body = body.newer) yield body;
  }
}
