// Compaction: old snapshot + sealed journals -> new snapshot, in one pass over immutable files.
// Does not install the new snapshot: shard-files.ts does. Knows no live file and no thread.
import type { SnapshotReference } from '../../storage/current.ts';
import { snapshotName, temporarySuffix } from '../../storage/file-names.ts';
import type { OpenFile } from '../../storage/file-system.ts';
import { encodeEntry } from '../../storage/record.ts';
import { SnapshotReader } from '../../storage/snapshot-reader.ts';
import { SnapshotWriter } from '../../storage/snapshot-writer.ts';
import { EntryStream } from './entry-stream.ts';
import type { ShardPlace } from '../shard-place.ts';
import type { CompactionInput } from '../files/shard-files.ts';

/**
 * Writes the new snapshot. The file is whole and durable under its name when this returns. Changes
 * no live file.
 *
 * @throws StoreError STORE_DAMAGED if a source is not valid; system errors. Removes the unfinished
 *   file before.
 */
export function compact(place: ShardPlace, input: CompactionInput): SnapshotReference {
  const { fileSystem, folder, identity } = place;
  const generation = input.journals.at(-1)?.generation ?? 0;
  const path = `${folder}/${snapshotName(generation)}`;
  const temporary = path + temporarySuffix;
  if (fileSystem.exists(temporary)) fileSystem.remove(temporary);
  const file = fileSystem.create(temporary);
  try {
    const stream = new EntryStream(fileSystem, place, input);
    const writer = new SnapshotWriter(file, { ...identity, generation });
    for (const { namespace, record, version } of stream.entries()) {
      writer.add(namespace, encodeEntry(record, version));
    }
    const { bytes, entries, crc } = writer.finish(stream.seq, stream.at);
    const reference = { generation, bytes, entries, crc };
    verify(place, file, reference);
    fileSystem.rename(temporary, path);
    fileSystem.syncFolder(folder);
    return reference;
  } catch (error) {
    if (fileSystem.exists(temporary)) fileSystem.remove(temporary);
    throw error;
  } finally {
    file.close();
  }
}

/** Reads the new snapshot back, because it will replace the files that it was made from. */
function verify(place: ShardPlace, file: OpenFile, reference: SnapshotReference): void {
  const name = `${place.name}/${snapshotName(reference.generation)}`;
  const expected = { ...place.identity, generation: reference.generation };
  const blocks = new SnapshotReader(file, name, expected, reference).blocks();
  while (blocks.next().done !== true);
}
