// The memory that the parts of a table take, at most. Measured sizes are smaller:
// test/shard/table/entry-table-memory.test.ts compares these with the process's own figures. Knows no
// limit: memory-limits.ts has those.
import { indexEntryBytes } from '../../memory/entry-index.ts';
import { entryMemoryBytes } from '../../memory/entry-memory.ts';
import type { NamespaceTable } from './namespace-table.ts';

/** The place of an entry in an order, in nodes that are as empty as they may be. */
const orderedEntryBytes = 12;
/** A namespace: its objects, and a node that holds one entry. */
const namespaceOverheadBytes = 1280;
/** The deadlines of a namespace: an object, a node, and a place among the namespaces. */
export const deadlinesOverheadBytes = 768;

/** The memory of one entry, at most, in bytes. */
export function entryTableBytes(
  keyBytes: number,
  valueBytes: number,
  expiresAt: number | undefined,
): number {
  const orders = expiresAt === undefined ? orderedEntryBytes : 2 * orderedEntryBytes;
  return entryMemoryBytes(keyBytes, valueBytes, expiresAt) + indexEntryBytes + orders;
}

/** The memory that a namespace's first entry adds to its own, at most, in bytes. */
export function namespaceTableBytes(name: { length: number }): number {
  return namespaceOverheadBytes + name.length;
}

/** The memory of a namespace without its entries. */
export function ownBytesOf({ name, deadlines }: NamespaceTable): number {
  return namespaceTableBytes(name) + (deadlines === undefined ? 0 : deadlinesOverheadBytes);
}
