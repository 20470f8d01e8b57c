// Reads all entries of one of the store's own namespaces, for the registries that are loaded at a
// start. Pages are different moments, so no other caller may change these entries meanwhile.
import type { ListQuery } from '../store/listing.ts';
import type { Store } from '../store/store.ts';

export interface StoredDocument {
  readonly key: string;
  readonly value: Uint8Array;
}

const pageMax = 1000;
const nothing = new Uint8Array();

/** @throws StoreError if a shard does not serve */
export async function readDocuments(
  store: Pick<Store, 'list'>,
  namespace: string,
): Promise<readonly StoredDocument[]> {
  const documents: StoredDocument[] = [];
  const interval = { namespace, prefix: '', start: undefined, end: undefined, reverse: false };
  let after: string | undefined;
  do {
    const query: ListQuery = { ...interval, after, limit: pageMax, includeValues: true };
    // oxlint-disable-next-line no-await-in-loop -- each page begins where the last one ended
    const { items, next } = await store.list(query);
    for (const { key, value = nothing } of items) documents.push({ key, value });
    after = next;
  } while (after !== undefined);
  return documents;
}
