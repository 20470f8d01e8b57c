// Makes a snapshot under a temporary name, and gives the snapshot its name once the file is whole.
// Knows no entry. Does not make the snapshot live.
import type { SnapshotReference } from './current.ts';
import { snapshotName, temporarySuffix } from './file-names.ts';
import type { FileSystem, OpenFile } from './file-system.ts';
import type { SnapshotHeader } from './snapshot-format.ts';
import { SnapshotWriter } from './snapshot-writer.ts';

/**
 * Makes the snapshot whole and durable under its name.
 *
 * @param write writes the entries, and returns the result of `finish`
 * @throws all errors of `write`; system errors. Removes the unfinished file before.
 */
export function createSnapshot(
  fileSystem: FileSystem,
  folder: string,
  header: SnapshotHeader,
  write: (writer: SnapshotWriter, file: OpenFile) => SnapshotReference,
): SnapshotReference {
  const path = `${folder}/${snapshotName(header.generation)}`;
  const temporary = path + temporarySuffix;
  if (fileSystem.exists(temporary)) fileSystem.remove(temporary);
  const file = fileSystem.create(temporary);
  try {
    const snapshot = write(new SnapshotWriter(file, header), file);
    fileSystem.rename(temporary, path);
    fileSystem.syncFolder(folder);
    return snapshot;
  } catch (error) {
    if (fileSystem.exists(temporary)) fileSystem.remove(temporary);
    throw error;
  } finally {
    file.close();
  }
}
