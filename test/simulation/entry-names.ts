// The simulation's names of entries: the key in the default namespace, and `namespace/key` in any
// other. Histories and logs know only these names.
import { defaultNamespace } from '../../src/base/default-namespace.ts';
import type { EntryName } from '../../src/store/operation.ts';
import { shardOfKey } from '../../src/store/slot.ts';

/** The namespace of the purses. Only transactions write to it. */
export const purseNamespace = 'other';

export const namespacesUsed: readonly string[] = [defaultNamespace, purseNamespace];

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
