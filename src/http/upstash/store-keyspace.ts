// The keyspace for KEYS, SCAN and the like, over a store's listings: one page a step. Knows no
// command.
import type { Keyspace, KeyPage } from '../../commands/command.ts';
import type { RequestStore } from '../access/authorized-store.ts';
import { keysQuery, walkKeys } from '../walk-keys.ts';

/** A random key is drawn among the first keys, of which there are at most this many. */
const drawnMax = 10_000;

export class StoreKeyspace implements Keyspace {
  readonly #store: RequestStore;
  readonly #namespace: string;

  constructor(store: RequestStore, namespace: string) {
    this.#store = store;
    this.#namespace = namespace;
  }

  async scan(after: string | undefined, prefix: string, limit: number): Promise<KeyPage> {
    const query = keysQuery(this.#namespace, prefix, after, limit);
    const { items, next } = await this.#store.list(query);
    return { keys: items.map(({ key }) => key), next };
  }

  count(): Promise<number> {
    return this.#store.count(this.#namespace);
  }

  async randomKey(): Promise<string | undefined> {
    const count = Math.min(await this.count(), drawnMax);
    let left = Math.floor(Math.random() * count);
    for await (const keys of this.#pages()) {
      if (left < keys.length) return keys[left];
      left -= keys.length;
    }
    return undefined;
  }

  async clear(): Promise<void> {
    const flush = [this.#namespace];
    const plan = () => ({ output: undefined, changes: [], flush });
    const result = await this.#store.transact([], plan, { alone: flush });
    if (result.kind === 'refused') throw result.error;
  }

  #pages(): AsyncGenerator<readonly string[]> {
    return walkKeys(this.#namespace, '', (query) => this.#store.list(query));
  }
}
