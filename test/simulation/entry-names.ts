// The simulation's names of entries: the key in the default namespace, and `namespace/key` in any
// other. Histories and logs know only these names.
import { defaultNamespace } from '../../src/base/default-namespace.ts';
import type { EntryName } from '../../src/store/operation.ts';
import { shardOfKey } from '../../src/store/slot.ts';

/** The namespace of the purses. Only transactions write to it. */
export const purseNamespace = 'other';

/** A namespace whose keys clients use as those of the default one. */
export const secondNamespace = 'app';

export const namespacesUsed: readonly string[] = [
  secondNamespace,
  defaultNamespace,
  purseNamespace,
];

/** Namespaces that administrators make and drop, in runs with access. */
export const tenants: readonly string[] = ['t0', 't1', 't2'];

/** The numbers of keys that clients use, at most, by namespace. */
const keysMax: ReadonlyMap<string, number> = new Map([
  [secondNamespace, 4],
  [defaultNamespace, 16],
  [purseNamespace, 8],
  ...tenants.map((tenant) => [tenant, 4] as const),
]);

/** The key of this number in the namespace. */
export function keyOf(namespace: string, index: number): string {
  return `${namespace === purseNamespace ? 'p' : 'k'}${index}`;
}

/** The names of all entries that the namespace may have. */
export function allNamesIn(namespace: string): readonly string[] {
  return Array.from({ length: keysMax.get(namespace) ?? 0 }, (_, index) =>
    nameOf({ namespace, key: keyOf(namespace, index) }),
  );
}

export function nameOf({ namespace, key }: EntryName): string {
  return namespace === defaultNamespace ? key : `${namespace}/${key}`;
}

export function entryOfName(name: string): EntryName {
  const at = name.indexOf('/');
  if (at === -1) return { namespace: defaultNamespace, key: name };
  return { namespace: name.slice(0, at), key: name.slice(at + 1) };
}

export function shardOfName(name: string, shards: number): number {
  return shardOfKey(entryOfName(name).key, shards);
}
