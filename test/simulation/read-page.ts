// Reads of many keys at one moment, by a page: all keys of a namespace, or those in some ranges.
import { StoreError } from '../../src/base/errors.ts';
import type { KeyRange, ListPage, ListQuery } from '../../src/store/listing.ts';
import type { Result } from '../../src/store/result.ts';
import type { Store } from '../../src/store/store.ts';
import { pickFrom, randomBelow, type Random } from '../support/random.ts';
import { entryOfName, nameOf } from './entry-names.ts';
import type { ClientOptions } from './random-client.ts';

/** @returns the answer, or undefined if the store refused as it may */
export async function orRefused<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof StoreError) return undefined;
    throw error;
  }
}

export function namesIn(namespace: string, names: readonly string[]): readonly string[] {
  return names.filter((name) => entryOfName(name).namespace === namespace);
}

function wholePage(namespace: string): ListQuery {
  return {
    namespace,
    prefix: '',
    start: undefined,
    end: undefined,
    after: undefined,
    limit: 1000,
    reverse: false,
    includeValues: true,
  };
}

/**
 * Reads all keys of the namespace at one moment, and records a read of each.
 *
 * @returns the number of entries; undefined if the store refused
 */
export async function readAll(
  client: string,
  store: Store,
  namespace: string,
  options: ClientOptions,
): Promise<number | undefined> {
  const names = namesIn(namespace, options.keys);
  const results = await readPage(client, store, namespace, names, options);
  return results?.filter(({ kind }) => kind === 'entry').length;
}

/**
 * Reads a whole namespace at one moment.
 *
 * @param names of all entries that may be in it
 * @returns a result for each name; undefined if the store refused
 */
export async function readPage(
  client: string,
  store: Store,
  namespace: string,
  names: readonly string[],
  options: ClientOptions,
): Promise<readonly Result[] | undefined> {
  const read = new PageRead(client, names, options);
  const page = await orRefused(store.list(wholePage(namespace)));
  if (page === undefined) return undefined;
  options.onPage(namespace, page);
  return names.map((name) => read.told(name, namespace, page));
}

/** Reads one page of the keys in some ranges, from any key on, in either direction. */
export async function readRanges(
  client: string,
  store: Store,
  namespace: string,
  options: ClientOptions,
): Promise<void> {
  const { random, keys, onWrong } = options;
  const own = namesIn(namespace, keys).map((name) => entryOfName(name).key);
  const query: ListQuery = {
    ...wholePage(namespace),
    within: randomRanges(random, own),
    after: random() < 0.3 ? pickFrom(random, own) : undefined,
    limit: random() < 0.5 ? 1 + randomBelow(random, 3) : 1000,
    reverse: random() < 0.5,
  };
  const asked = own.filter((key) => isAskedFor(key, query));
  const read = new PageRead(
    client,
    asked.map((key) => nameOf({ namespace, key })),
    options,
  );
  const page = await orRefused(store.list(query));
  if (page === undefined) return;
  const stray = page.items.find(({ key }) => !asked.includes(key));
  if (stray !== undefined) onWrong(`${stray.key} is on a page of ${JSON.stringify(query)}`);
  const { next } = page;
  const isReached = (key: string): boolean =>
    next === undefined || (query.reverse ? key >= next : key <= next);
  for (const key of asked) {
    if (isReached(key)) read.told(nameOf({ namespace, key }), namespace, page);
  }
}

/** Ranges that begin and end at keys, or just behind them. */
function randomRanges(random: Random, keys: readonly string[]): KeyRange[] {
  const bounds = keys
    .flatMap((key) => [key, `${key}\0`])
    .filter(() => random() < 0.4)
    .toSorted((a, b) => (a < b ? -1 : 1));
  return Array.from({ length: bounds.length >> 1 }, (_, index) => ({
    low: bounds[2 * index] ?? '',
    high: bounds[2 * index + 1] ?? '',
  }));
}

function isAskedFor(key: string, { within = [], after, reverse }: ListQuery): boolean {
  const isBehind = after === undefined || (reverse ? key < after : key > after);
  return isBehind && within.some(({ low, high }) => key >= low && key < high);
}

/** The reads of one page, all at one moment. A key that the page does not reach stays unread. */
class PageRead {
  readonly #options: ClientOptions;
  readonly #recorded: ReadonlyMap<string, ReturnType<ClientOptions['history']['send']>>;

  constructor(client: string, names: readonly string[], options: ClientOptions) {
    const { history } = options;
    const step = history.newStep();
    this.#options = options;
    this.#recorded = new Map(
      names.map((name) => [name, history.send(client, name, { op: 'get' }, { step })]),
    );
  }

  told(name: string, namespace: string, { items }: ListPage): Result {
    const item = items.find(({ key }) => nameOf({ namespace, key }) === name);
    const result: Result = item === undefined ? { kind: 'missing' } : { kind: 'entry', ...item };
    this.#recorded.get(name)?.told(result);
    this.#options.onResult(name, { op: 'get' }, result);
    return result;
  }
}
