// Writes a shard's table as a snapshot, for when the shard cannot trust its files any more.
// Does not make the snapshot live.
import { createSnapshot } from '../../storage/create-snapshot.ts';
import type { SnapshotReference } from '../../storage/current.ts';
import { encodeEntryOf } from '../../storage/record.ts';
import type { EntryTable } from '../table/entry-table.ts';
import type { ShardPlace } from '../shard-place.ts';

/**
 * Writes the snapshot, whole and durable under its name, but not live yet.
 *
 * @param generation the snapshot replaces all journals up to this generation
 * @param seq the seq that the next change takes
 * @param at the highest timestamp so far, Unix milliseconds
 * @throws system errors; removes the unfinished file before
 */
export function writeTableSnapshot(
  { fileSystem, folder, identity }: ShardPlace,
  table: EntryTable,
  generation: number,
  seq: number,
  at: number,
): SnapshotReference {
  return createSnapshot(fileSystem, folder, { ...identity, generation }, (writer) => {
    for (const namespace of table.namespaces()) {
      for (const { key, version, value, expiresAt } of table.entriesOf(namespace)) {
        writer.add(namespace, encodeEntryOf(key, version, value, expiresAt));
      }
    }
    return writer.finish(seq, at);
  });
}
