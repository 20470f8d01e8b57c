// Removes layouts that the manifest does not name. A reshard that is cut short leaves one: its
// unfinished new layout, or the old layout that it replaced.
import { isLayoutFolder } from './file-names.ts';
import type { FileSystem } from './file-system.ts';
import { readManifest, removeManifestReplacement } from './manifest.ts';

/**
 * Removes stray layouts. Without a manifest, no layout is known to be live, and all stay.
 *
 * @returns the names of the removed layouts
 * @throws StoreError if the manifest is not valid; system errors
 */
export function removeStrayLayouts(fileSystem: FileSystem, dataDir: string): string[] {
  const manifest = readManifest(fileSystem, dataDir);
  if (manifest === undefined) return [];
  const stray = fileSystem
    .list(dataDir)
    .filter((name) => isLayoutFolder(name) && name !== manifest.layout);
  // The rename to the present manifest may not be durable yet. A crash would bring the old manifest
  // back, and its layout must then still exist.
  if (stray.length > 0) fileSystem.syncFolder(dataDir);
  for (const name of stray) fileSystem.removeFolder(`${dataDir}/${name}`);
  const wasReplaced = removeManifestReplacement(fileSystem, dataDir);
  if (stray.length > 0 || wasReplaced) fileSystem.syncFolder(dataDir);
  return stray;
}
