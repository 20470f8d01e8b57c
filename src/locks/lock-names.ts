// Owns where the locks of a namespace are in the store. They are entries of a namespace of the store's own,
// and all in one shard: that of the namespace's name taken as a key. The last fence that was given is one more
// entry there. Knows no value.
import { locksOf, ownerOfNamespace } from '../base/namespace-name.ts';
import type { EntryName } from '../store/operation.ts';
import { slotOfKey } from '../store/slot.ts';
import { tagOfSlot } from '../store/slot-tag.ts';

/** A lock as clients name it. */
export interface LockName {
  readonly namespace: string;
  /** A byte string, never empty. */
  readonly name: string;
}

function tagOf(namespace: string): string {
  return tagOfSlot(slotOfKey(namespace));
}

export function entryOfLock({ namespace, name }: LockName): EntryName {
  return { namespace: locksOf(namespace), key: tagOf(namespace) + name };
}

/** The entry of the last fence. No lock has an empty name, so none has this key. */
export function entryOfFence(namespace: string): EntryName {
  return { namespace: locksOf(namespace), key: tagOf(namespace) };
}

/** True for a namespace of the store's own that holds locks. */
export function holdsLocks(namespace: string): boolean {
  return namespace === locksOf(ownerOfNamespace(namespace));
}

export function isEntryOfFence({ namespace, key }: EntryName): boolean {
  return holdsLocks(namespace) && key === tagOf(ownerOfNamespace(namespace));
}

/** @returns undefined if the entry is no lock */
export function lockOfEntry(entry: EntryName): LockName | undefined {
  if (!holdsLocks(entry.namespace)) return undefined;
  const namespace = ownerOfNamespace(entry.namespace);
  const name = entry.key.slice(tagOf(namespace).length);
  return name === '' ? undefined : { namespace, name };
}
