// Opens a data folder for the offline tools: reads its manifest and locates its shards.
// Changes nothing. The caller holds the folder's lock, which keeps servers out.
import { StoreError } from '../base/errors.ts';
import { placesOf, type ShardPlace } from '../shard/shard-place.ts';
import type { FileSystem } from '../storage/file-system.ts';
import { readManifest, type StoredManifest } from '../storage/manifest.ts';
import { formatVersion } from '../storage/format-version.ts';

export interface OfflineStore {
  readonly manifest: StoredManifest;
  /** The index is the shard's number. */
  readonly shards: readonly ShardPlace[];
}

/**
 * Opens a store of the current format version.
 *
 * @throws StoreError STORE_INACCESSIBLE if there is no store; STORE_DAMAGED or STORE_MISMATCH if
 *   its manifest is not valid, or if the store is of an older format version
 */
export function openOfflineStore(fileSystem: FileSystem, dataDir: string): OfflineStore {
  const store = openStoreOfAnyVersion(fileSystem, dataDir);
  refuseOlderVersion(dataDir, store.manifest);
  return store;
}

/** @throws StoreError STORE_MISMATCH if the operator has to upgrade the store first */
export function refuseOlderVersion(
  dataDir: string,
  { formatVersion: version }: StoredManifest,
): void {
  if (version === formatVersion) return;
  throw new StoreError(
    'STORE_MISMATCH',
    `${dataDir} is of format version ${version}: start holdfast serve on it once, which upgrades it to ` +
      `version ${formatVersion}. Nothing has been changed.`,
  );
}

/**
 * Opens a store of any format version that this program can read.
 *
 * @throws StoreError STORE_INACCESSIBLE if there is no store; STORE_DAMAGED or STORE_MISMATCH if
 *   its manifest is not valid
 */
export function openStoreOfAnyVersion(fileSystem: FileSystem, dataDir: string): OfflineStore {
  if (!fileSystem.exists(dataDir)) throw noStore(dataDir, 'there is no such folder');
  const manifest = readManifest(fileSystem, dataDir);
  if (manifest === undefined) throw noStore(dataDir, 'there is no store in this folder');
  const shards = placesOf(fileSystem, dataDir, manifest);
  return { manifest, shards };
}

function noStore(dataDir: string, why: string): StoreError {
  return new StoreError('STORE_INACCESSIBLE', `${dataDir}: ${why}`);
}
