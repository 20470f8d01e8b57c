// Owns which entries of the store clients name, and how: an ordinary entry by its key, and a lock by its name.
// All others are records of the server. Knows no rights.
import { isInternalNamespace } from '../base/namespace-name.ts';
import { lockOfEntry } from './lock-names.ts';
import type { EntryName } from '../store/operation.ts';

/**
 * @returns the namespace and the key or name by which a client knows the entry; undefined for a record of the
 *   server
 */
export function clientEntryOf(entry: EntryName): EntryName | undefined {
  if (!isInternalNamespace(entry.namespace)) return entry;
  const lock = lockOfEntry(entry);
  return lock === undefined ? undefined : { namespace: lock.namespace, key: lock.name };
}

/** True for all but records of the server. */
export function isOfClient(entry: EntryName): boolean {
  return clientEntryOf(entry) !== undefined;
}
