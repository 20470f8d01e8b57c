// Compaction: old snapshot + sealed journals -> new snapshot, in one pass over immutable files.
// Does not install the new snapshot: shard-files.ts does. Knows no live file and no thread.
import { createSnapshot } from '../../storage/create-snapshot.ts';
import type { SnapshotReference } from '../../storage/current.ts';
import { snapshotName } from '../../storage/file-names.ts';
import { parseLineAroundValues } from '../../storage/large-values.ts';
import { encodeEntry } from '../../storage/record.ts';
import { SnapshotReader } from '../../storage/snapshot-reader.ts';
import { EntryStream } from './entry-stream.ts';
import type { ShardPlace } from '../shard-place.ts';
import type { SealedFiles } from '../files/shard-files.ts';

/** Large values go from file to file as they are. */
const parse = parseLineAroundValues;

/**
 * Writes the new snapshot, of the last journal's generation. The file is whole and durable under its name when this returns. Changes
 * no live file.
 *
 * @throws StoreError STORE_DAMAGED if a source is not valid; system errors. Removes the unfinished
 *   file before.
 */
export function compact(place: ShardPlace, input: SealedFiles): SnapshotReference {
  const { fileSystem, folder, name, identity } = place;
  const generation = input.journals.at(-1)?.generation ?? 0;
  return createSnapshot(fileSystem, folder, { ...identity, generation }, (writer, file) => {
    const stream = new EntryStream(fileSystem, place, input, { parse });
    for (const { namespace, record, version } of stream.entries()) {
      writer.add(namespace, encodeEntry(record, version));
    }
    const snapshot = writer.finish(stream.seq, stream.at);
    // The snapshot will replace the files that it was made from, so it is read back first.
    const path = `${name}/${snapshotName(generation)}`;
    new SnapshotReader(file, path, identity, snapshot, parse).prove();
    return snapshot;
  });
}
