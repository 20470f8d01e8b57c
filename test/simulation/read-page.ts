// Reads of many keys at one moment, by a page.
import { StoreError } from '../../src/base/errors.ts';
import type { Result } from '../../src/store/result.ts';
import type { Store } from '../../src/store/store.ts';
import { entryOfName } from './entry-names.ts';
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

/**
 * Reads all keys at one moment, and records a read of each.
 *
 * @returns the number of entries; undefined if the store refused
 */
export async function readAll(
  client: string,
  store: Store,
  options: ClientOptions,
): Promise<number | undefined> {
  const results = await readPage(client, store, options.keys, options);
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
  names: readonly string[],
  { history, onResult }: ClientOptions,
): Promise<readonly Result[] | undefined> {
  const step = history.newStep();
  const recorded = names.map((name) => history.send(client, name, { op: 'get' }, { step }));
  const [first = ''] = names;
  const query = {
    namespace: entryOfName(first).namespace,
    prefix: '',
    start: undefined,
    end: undefined,
    after: undefined,
    limit: 1000,
    reverse: false,
    includeValues: true,
  };
  const page = await orRefused(store.list(query));
  if (page === undefined) return undefined;
  const items = new Map(page.items.map((item) => [item.key, item]));
  return names.map((name, index) => {
    const item = items.get(entryOfName(name).key);
    const result: Result = item === undefined ? { kind: 'missing' } : { kind: 'entry', ...item };
    recorded[index]?.told(result);
    onResult(name, { op: 'get' }, result);
    return result;
  });
}
