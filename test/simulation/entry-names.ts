// What the simulation calls an entry: its key in the default namespace, and `namespace/key` in any
// other. Histories and logs know names alone.
import { defaultNamespace } from '../../src/base/default-namespace.ts';
import type { EntryName } from '../../src/store/operation.ts';
import { shardOfSlot, slotOfKey } from '../../src/store/slot.ts';

/** Where the purses are; nothing but transactions writes there. */
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
  return shardOfSlot(slotOfKey(entryOfName(name).key), shards);
}
