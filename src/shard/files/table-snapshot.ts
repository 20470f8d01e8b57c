// Writes a shard's table as a snapshot, for when the shard cannot trust its files any more.
import type { SnapshotReference } from '../../storage/current.ts';
import { snapshotName, temporarySuffix } from '../../storage/file-names.ts';
import { encodeEntryOf } from '../../storage/record.ts';
import { SnapshotWriter } from '../../storage/snapshot-writer.ts';
import type { EntryTable } from '../table/entry-table.ts';
import type { ShardPlace } from '../shard-place.ts';

/**
 * Writes the snapshot, whole and durable under its name, but not live yet.
 *
 * @param generation the snapshot replaces all journals up to this generation
 * @param seq the seq that the next change takes
 * @param at the highest timestamp so far, Unix milliseconds
 * @throws system errors; removes the unfinished file if possible
 */
export function writeTableSnapshot(
  { fileSystem, folder, identity }: ShardPlace,
  table: EntryTable,
  generation: number,
  seq: number,
  at: number,
): SnapshotReference {
  const path = `${folder}/${snapshotName(generation)}`;
  const temporary = path + temporarySuffix;
  if (fileSystem.exists(temporary)) fileSystem.remove(temporary);
  const file = fileSystem.create(temporary);
  try {
    const writer = new SnapshotWriter(file, { ...identity, generation });
    for (const namespace of table.namespaces()) {
      for (const { key, version, value, expiresAt } of table.ascending(namespace, '')) {
        writer.add(namespace, encodeEntryOf(key, version, value, expiresAt));
      }
    }
    const { bytes, entries, crc } = writer.finish(seq, at);
    fileSystem.rename(temporary, path);
    fileSystem.syncFolder(folder);
    return { generation, bytes, entries, crc };
  } catch (error) {
    if (fileSystem.exists(temporary)) fileSystem.remove(temporary);
    throw error;
  } finally {
    file.close();
  }
}
