// Indexes the kept answers: which there are, and under which key. The answers are entries in the
// store, each in the shard of its request's first key. The number is bounded: the oldest go first.
import type { Store } from '../../store/store.ts';
import type { EntryName } from '../../store/operation.ts';
import { walkItems } from '../walk-keys.ts';

/** No dialect can name this namespace: their namespaces have no such character. */
export const idempotencyNamespace = '~idempotency';

export interface IdempotencyRecordsOptions {
  readonly store: Store;
  readonly recordsMax: number;
  /** Unix milliseconds. */
  readonly wallMs: () => number;
}

interface RecordPosition {
  readonly key: string;
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

/** The rest of a key after its hash tag is the scope. */
function scopeOfKey(key: string): string {
  return key.slice(key.indexOf('}') + 1);
}

export class IdempotencyRecords {
  readonly #options: IdempotencyRecordsOptions;
  /** By scope, oldest first. */
  readonly #places = new Map<string, RecordPosition>();
  #evicted = 0;

  constructor(options: IdempotencyRecordsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#places.size;
  }

  /** Records deleted before their time, to keep the bound. */
  get evicted(): number {
    return this.#evicted;
  }

  /** Finds the records of earlier runs of the program. Rejects if a shard does not serve. */
  async load(): Promise<void> {
    const found: RecordPosition[] = [];
    const { store } = this.#options;
    const pages = walkItems(idempotencyNamespace, '', (query) => store.list(query));
    for await (const items of pages) {
      for (const { key, expiresAt = Infinity } of items) found.push({ key, expiresAt });
    }
    for (const place of found.toSorted((a, b) => a.expiresAt - b.expiresAt)) {
      this.#places.set(scopeOfKey(place.key), place);
    }
    this.#bound();
  }

  /** The key of the answer to a request of this scope, if the answer is kept. */
  find(scope: string): string | undefined {
    const place = this.#places.get(scope);
    return place === undefined || place.expiresAt <= this.#options.wallMs() ? undefined : place.key;
  }

  add(scope: string, place: RecordPosition): void {
    this.#places.delete(scope);
    this.#places.set(scope, place);
    this.#bound();
  }

  remove(scope: string): void {
    this.#places.delete(scope);
  }

  #bound(): void {
    const now = this.#options.wallMs();
    for (const [scope, { key, expiresAt }] of this.#places) {
      const isExpired = expiresAt <= now;
      if (!isExpired && this.#places.size <= this.#options.recordsMax) return;
      this.#places.delete(scope);
      // The store itself removes expired entries.
      if (isExpired) continue;
      this.#evicted += 1;
      const name: EntryName = { namespace: idempotencyNamespace, key };
      // If the delete fails, the entry stays until it expires, and no request looks there.
      void this.#options.store.submit({ op: 'delete', ...name });
    }
  }
}
