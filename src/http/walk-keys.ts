// Walks all keys of a namespace, page by page. Pages are different moments, with nothing held in
// between. A key that exists throughout comes exactly once.
import type { ListItem, ListPage, ListQuery } from '../store/listing.ts';

const pageMax = 1000;

/** The query for one page of keys that begin with `prefix`, after `after`, without values. */
export function keysQuery(
  namespace: string,
  prefix: string,
  after: string | undefined,
  limit = pageMax,
): ListQuery {
  return {
    namespace,
    prefix,
    start: undefined,
    end: undefined,
    after,
    limit: Math.min(limit, pageMax),
    reverse: false,
    includeValues: false,
  };
}

export type List = (query: ListQuery) => Promise<ListPage>;

/** @param list fetches one page from the store */
export async function* walkKeys(
  namespace: string,
  prefix: string,
  list: List,
): AsyncGenerator<readonly string[]> {
  for await (const items of walkItems(namespace, prefix, list)) yield items.map(({ key }) => key);
}

/** Walks like `walkKeys`, but yields the listing's items instead of bare keys. */
export async function* walkItems(
  namespace: string,
  prefix: string,
  list: List,
): AsyncGenerator<readonly ListItem[]> {
  let after: string | undefined;
  do {
    // oxlint-disable-next-line no-await-in-loop -- each page begins where the last one ended
    const { items, next } = await list(keysQuery(namespace, prefix, after));
    yield items;
    after = next;
  } while (after !== undefined);
}
