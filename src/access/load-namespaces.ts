// Finds the namespaces of a store at a start, those without a record among them: older versions of
// the program made namespaces without one. Mends the records as far as the store takes writes now.
import { isNamespaceName } from '../base/namespace-name.ts';
import type { EntryName } from '../store/operation.ts';
import type { Store } from '../store/store.ts';
import {
  decodeNamespace,
  encodeNamespace,
  nameOfNamespace,
  namespacesNamespace,
  type NamespaceRecord,
} from './namespace-records.ts';
import { namespaceDefaults } from './namespace-settings.ts';
import type { KnownNamespace, Namespaces } from './namespaces.ts';
import type { RecordChange, RecordChanges } from './record-changes.ts';
import { readDocuments } from './stored-documents.ts';

export interface NamespaceLoad {
  readonly store: Pick<Store, 'list' | 'measure'>;
  readonly records: RecordChanges;
  readonly namespaces: Namespaces;
  /** Unix milliseconds. */
  readonly nowMs: () => number;
}

interface StoredNamespace {
  readonly record: NamespaceRecord;
  readonly entry: EntryName;
}

/** Records that one transaction mends. */
const mendedMax = 1000;

/**
 * The caller awaits this before the first request.
 *
 * @throws StoreError STORE_MISMATCH; SHARD_UNAVAILABLE if a shard does not serve
 */
export async function loadNamespaces(load: NamespaceLoad): Promise<void> {
  const { store, namespaces } = load;
  const { kept, surplus } = oldestOfEach(await storedNamespaces(store));
  for (const namespace of kept.values()) namespaces.add(namespace);
  const figures = await store.measure();
  const adopted = figures
    .map(({ namespace }) => namespace)
    .filter((name) => isNamespaceName(name) && namespaces.state(name) === 'absent')
    .map((name) => ({ name, createdAt: load.nowMs(), ...namespaceDefaults }));
  for (const record of adopted) namespaces.add({ record, entry: undefined });
  await mend(load, adopted, surplus);
}

async function storedNamespaces(store: Pick<Store, 'list'>): Promise<readonly StoredNamespace[]> {
  const documents = await readDocuments(store, namespacesNamespace);
  return documents.map(({ key, value }) => ({
    record: decodeNamespace(key, value),
    entry: { namespace: namespacesNamespace, key },
  }));
}

/** Two records of one name come from a store that was put together from two. */
function oldestOfEach(found: readonly StoredNamespace[]): {
  readonly kept: ReadonlyMap<string, StoredNamespace>;
  readonly surplus: readonly EntryName[];
} {
  const kept = new Map<string, StoredNamespace>();
  const surplus: EntryName[] = [];
  for (const one of found.toSorted((a, b) => a.record.createdAt - b.record.createdAt)) {
    if (kept.has(one.record.name)) surplus.push(one.entry);
    else kept.set(one.record.name, one);
  }
  return { kept, surplus };
}

/** A store that takes no writes now is served all the same. The next start tries again. */
async function mend(
  { records, namespaces }: NamespaceLoad,
  adopted: readonly NamespaceRecord[],
  surplus: readonly EntryName[],
): Promise<void> {
  const made = adopted.map((record): KnownNamespace & { readonly entry: EntryName } => ({
    record,
    entry: nameOfNamespace(record.name, record.name),
  }));
  const changes: RecordChange[] = [
    ...made.map(({ record, entry }) => ({ name: entry, put: encodeNamespace(record) })),
    ...surplus.map((name) => ({ name, put: undefined })),
  ];
  for (let start = 0; start < changes.length; start += mendedMax) {
    const some = changes.slice(start, start + mendedMax);
    const apply = (): void => {
      for (const one of made.slice(start, start + mendedMax)) namespaces.add(one);
    };
    // oxlint-disable-next-line no-await-in-loop -- a transaction each, to bound its size
    await records.exclusive(() => records.commit({ changes: some, apply })).catch(() => undefined);
  }
}
