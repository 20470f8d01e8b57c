// The folder of a shard's files, and the file system to use. Recovery reads these files, and
// `files/` changes them.
import type { ShardLocation } from '../base/shard-location.ts';
import type { FileSystem } from '../storage/file-system.ts';
import { locateShards, type Layout } from '../storage/locate-shards.ts';

export interface ShardPlace extends ShardLocation {
  readonly fileSystem: FileSystem;
}

/** By number. */
export function placesOf(fileSystem: FileSystem, dataDir: string, layout: Layout): ShardPlace[] {
  return locateShards(dataDir, layout).map((location) => ({ ...location, fileSystem }));
}
