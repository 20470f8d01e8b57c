// Layouts that the manifest does not name: half made by a reshard that was cut short, or replaced by
// one and not yet removed.
import { isLayoutFolder } from './file-names.ts';
import type { FileSystem } from './file-system.ts';
import { readManifest, removeManifestReplacement } from './manifest.ts';

/**
 * Removes them; never anything where there is no manifest to say what counts.
 *
 * @returns their names
 * @throws StoreError where the manifest is not what it must be; system errors
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
