// Where a shard's files are, and by which file system. Shared by recovery, which reads files, and by
// files/, which changes them.
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
