// The keyspace that KEYS, SCAN and their like look at, over a store's listings: one page a step.
import type { Keyspace, KeyPage } from '../../commands/command.ts';
import type { ListQuery } from '../../store/listing.ts';
import type { CommandStore } from '../../store/store.ts';

const pageMax = 1000;

/** Keys among which a random one is drawn: the first ones, where there are more. */
const drawnMax = 10_000;

export class StoreKeyspace implements Keyspace {
  readonly #store: CommandStore;
  readonly #query: ListQuery;

  constructor(store: CommandStore, namespace: string) {
    this.#store = store;
    this.#query = {
      namespace,
      prefix: '',
      start: undefined,
      end: undefined,
      after: undefined,
      limit: pageMax,
      reverse: false,
      includeValues: false,
    };
  }

  async scan(after: string | undefined, prefix: string, limit: number): Promise<KeyPage> {
    const query = { ...this.#query, prefix, after, limit: Math.min(limit, pageMax) };
    const { items, next } = await this.#store.list(query);
    return { keys: items.map(({ key }) => key), next };
  }

  count(): Promise<number> {
    return this.#store.count(this.#query.namespace);
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

  /** Key by key: what is written meanwhile may stay. */
  async clear(): Promise<void> {
    const { namespace } = this.#query;
    for await (const keys of this.#pages()) {
      const deletes = keys.map((key) => ({ op: 'delete', namespace, key }) as const);
      const results = await this.#store.submitAll(deletes);
      for (const result of results) if (result.kind === 'refused') throw result.error;
    }
  }

  async *#pages(): AsyncGenerator<readonly string[]> {
    let after: string | undefined;
    do {
      // oxlint-disable-next-line no-await-in-loop -- each page begins where the last one ended
      const { keys, next } = await this.scan(after, '', pageMax);
      yield keys;
      after = next;
    } while (after !== undefined);
  }
}
