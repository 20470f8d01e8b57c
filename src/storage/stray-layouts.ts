// Removes layouts that the manifest does not name. Either a reshard was cut short while it made
// them, or a reshard has replaced them and not yet removed them.
import { isLayoutFolder } from './file-names.ts';
import type { FileSystem } from './file-system.ts';
import { readManifest, removeManifestReplacement } from './manifest.ts';

/**
 * Removes stray layouts. Removes nothing if there is no manifest to say which layout is live.
 *
 * @returns their names
 * @throws StoreError if the manifest is not valid; system errors
 */
export function removeStrayLayouts(fileSystem: FileSystem, dataDir: string): string[] {
  const manifest = readManifest(fileSystem, dataDir);
  if (manifest === undefined) return [];
  const stray = fileSystem
    .list(dataDir)
    .filter((name) => isLayoutFolder(name) && name !== manifest.layout);
  // What the manifest says must be durable before what it does not name goes.
  if (stray.length > 0) fileSystem.syncFolder(dataDir);
  for (const name of stray) fileSystem.removeFolder(`${dataDir}/${name}`);
  const wasReplaced = removeManifestReplacement(fileSystem, dataDir);
  if (stray.length > 0 || wasReplaced) fileSystem.syncFolder(dataDir);
  return stray;
}
