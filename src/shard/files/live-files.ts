// Tells a shard's live files from leftovers, by current.json. Syncs the live files and removes the
// leftovers. Knows no content of snapshots and journals.
import { namesOf, type Current, type FileSet } from '../../storage/current.ts';
import { currentName, isDataFile, isTemporary } from '../../storage/file-names.ts';
import type { ShardPlace } from '../shard-place.ts';

function removeFiles({ fileSystem, folder }: ShardPlace, names: readonly string[]): void {
  for (const name of names) {
    if (fileSystem.exists(`${folder}/${name}`)) fileSystem.remove(`${folder}/${name}`);
  }
  fileSystem.syncFolder(folder);
}

export function removeFilesOf(place: ShardPlace, files: FileSet): void {
  removeFiles(place, namesOf(files));
}

/** Removes files that a crash left unfinished, and replaced files that are still there. */
export function removeLeftovers(place: ShardPlace, current: Current): void {
  const named = new Set([currentName, ...namesOf(current)]);
  for (const name of current.previous === null ? [] : namesOf(current.previous)) named.add(name);
  const leftovers = place.fileSystem
    .list(place.folder)
    .filter((name) => isTemporary(name) || (isDataFile(name) && !named.has(name)));
  removeFiles(place, leftovers);
}

/** Entries must be durable before they are served, whichever mode wrote them. */
export function syncLiveFiles({ fileSystem, folder }: ShardPlace, current: Current): void {
  for (const name of [currentName, ...namesOf(current)]) {
    const file = fileSystem.open(`${folder}/${name}`);
    try {
      file.sync();
    } finally {
      file.close();
    }
  }
  fileSystem.syncFolder(folder);
}
