// Lists, names and deletes all items below a base. Only keys that a path can name count: other
// dialects' keys are neither shown nor touched. The walk goes page by page, so it spans several
// moments. Knows no request.
import { textOfByteString } from '../../base/byte-string.ts';
import { StoreError } from '../../base/errors.ts';
import type { EntryName } from '../../store/operation.ts';
import type { StoreOfCaller } from '../access/authorized-store.ts';
import { unitsOf, type ConcurrencyLimiter } from '../overload/concurrency-limiter.ts';
import { walkKeys, type List } from '../walk-keys.ts';
import { canBeNamed, pathOfKey, type Item } from './item.ts';

/** Bytes of all keys of one listing in sum: the protocol has no pages. */
const listBytesMax = 16 * 1024 * 1024;

/** The most keys that one request deletes as one transaction. */
const deletedTogetherMax = 10_000;

export interface ItemsBelowOptions {
  readonly work: ConcurrencyLimiter;
}

export class ItemsBelow {
  readonly #options: ItemsBelowOptions;

  constructor(options: ItemsBelowOptions) {
    this.#options = options;
  }

  /**
   * @returns a JSON array of keys as they are spelled on the wire
   * @throws StoreError REPLY_TOO_LARGE, or the error with which the store refuses a page
   */
  async list(store: StoreOfCaller, base: Item): Promise<Buffer> {
    const paths: string[] = [];
    let bytes = 0;
    const pages = this.#keys(base, (query) => store.list(query));
    for await (const keys of pages) {
      for (const key of keys) {
        bytes += key.length;
        paths.push(JSON.stringify(pathOfKey(textOfByteString(key))));
      }
      if (bytes > listBytesMax) {
        const detail = `The keys of one listing may have ${listBytesMax} bytes in sum; ask for a base further down.`;
        throw new StoreError('REPLY_TOO_LARGE', detail, { limit: listBytesMax });
      }
    }
    return Buffer.from(`[${paths.join(',')}]`);
  }

  /**
   * The names of all items below the base, for one transaction that deletes them.
   *
   * @throws StoreError REQUEST_TOO_LARGE if one transaction cannot hold as many
   */
  async names(store: StoreOfCaller, base: Item): Promise<EntryName[]> {
    const names: EntryName[] = [];
    const pages = this.#keys(base, (query) => store.listWritable(query));
    for await (const keys of pages) {
      for (const key of keys) names.push({ namespace: base.namespace, key });
      if (names.length > deletedTogetherMax) {
        const detail = `With an Idempotency-Key, at most ${deletedTogetherMax} keys are deleted at once; nothing was.`;
        throw new StoreError('REQUEST_TOO_LARGE', detail, { limit: deletedTogetherMax });
      }
    }
    return names;
  }

  /** @throws StoreError if some key could not be deleted; its outcome says whether others were */
  async delete(store: StoreOfCaller, base: Item): Promise<void> {
    const { work } = this.#options;
    const { namespace } = base;
    let isBegun = false;
    try {
      const pages = this.#keys(base, (query) => store.listWritable(query));
      for await (const keys of pages) {
        const deletes = keys.map((key) => ({ op: 'delete', namespace, key }) as const);
        const units = unitsOf(deletes.length, 0);
        const results = await work.during(namespace, units, () => store.submitAll(deletes));
        isBegun ||= results.some(({ kind }) => kind === 'deleted');
        for (const result of results) if (result.kind === 'refused') throw result.error;
      }
    } catch (error) {
      throw isBegun && error instanceof StoreError ? partlyDone(error) : error;
    }
  }

  async *#keys({ namespace, key }: Item, list: List): AsyncGenerator<readonly string[]> {
    const { work } = this.#options;
    const pages = walkKeys(
      namespace,
      key,
      async (query) => await work.during(namespace, unitsOf(query.limit, 0), () => list(query)),
    );
    for await (const keys of pages) yield keys.filter(canBeNamed);
  }
}

/** An outcome of `not-applied` would be false for all keys together. */
function partlyDone({ code, message, ...facts }: StoreError): StoreError {
  const { retryable, retryAfterMs, limit, parameter } = facts;
  const detail = `${message} Some of the keys have been deleted; the others are still there, or may be.`;
  return new StoreError(code, detail, {
    outcome: 'unknown',
    retryable,
    retryAfterMs,
    limit,
    parameter,
  });
}
