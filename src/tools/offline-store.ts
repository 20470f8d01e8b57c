// A data folder that nobody serves, as the offline tools see it: what its manifest says and where its
// shards are. Changes nothing. The folder's lock is the caller's part.
import { StoreError } from '../base/errors.ts';
import type { ShardPlace } from '../shard/recovery.ts';
import type { FileSystem } from '../storage/file-system.ts';
import { locateShards } from '../storage/locate-shards.ts';
import { readManifest, type Manifest } from '../storage/manifest.ts';

export interface OfflineStore {
  readonly manifest: Manifest;
  /** By number. */
  readonly shards: readonly ShardPlace[];
}

/**
 * @throws StoreError STORE_INACCESSIBLE where there is no store; STORE_DAMAGED or STORE_MISMATCH
 *   where its manifest is not what it must be
 */
export function openOfflineStore(fileSystem: FileSystem, dataDir: string): OfflineStore {
  if (!fileSystem.exists(dataDir)) throw noStore(dataDir, 'there is no such folder');
  const manifest = readManifest(fileSystem, dataDir);
  if (manifest === undefined) throw noStore(dataDir, 'there is no store in this folder');
  const shards = locateShards(dataDir, manifest).map((place) => ({ ...place, fileSystem }));
  return { manifest, shards };
}

function noStore(dataDir: string, why: string): StoreError {
  return new StoreError('STORE_INACCESSIBLE', `${dataDir}: ${why}`);
}
