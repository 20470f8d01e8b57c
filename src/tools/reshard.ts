// Gives an offline store another number of shards, in place. After a crash at any point, the old
// layout or the new one is live, whole. The caller holds the folder's lock. Knows no command line.
import { isDiskFull, StoreError } from '../base/errors.ts';
import { shardCountMax } from '../base/limits.ts';
import { proveShard } from '../shard/recovery/recovery.ts';
import type { FileSystem } from '../storage/file-system.ts';
import { removeStrayLayouts } from '../storage/stray-layouts.ts';
import { liveBytes } from './live-bytes.ts';
import { openOfflineStore } from './offline-store.ts';
import { removeReplaced, replaceLayout } from './replace-layout.ts';
import type { OnWork } from './write-layout.ts';

export interface ReshardReport {
  readonly from: number;
  readonly to: number;
  /** The number of entries written; undefined if the store had so many shards already. */
  readonly entries: number | undefined;
  /** Why the old layout is still there, if it is. The next start removes the old layout. */
  readonly leftover: string | undefined;
}

/**
 * @throws StoreError with nothing changed: STORE_DAMAGED, STORE_MISMATCH, or STORE_INACCESSIBLE
 *   if the new files do not read back; system errors
 */
export function reshard(
  fileSystem: FileSystem,
  dataDir: string,
  shards: number,
  onWork: OnWork = () => undefined,
): ReshardReport {
  if (shards > shardCountMax) {
    const detail = `a data folder has at most ${shardCountMax} shards, not ${shards}`;
    throw new StoreError('STORE_MISMATCH', detail);
  }
  try {
    return reshardStore(fileSystem, dataDir, shards, onWork);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    const detail =
      'no room on disk for the new layout, which takes about as much as the live data; what was ' +
      'written of it is removed, and the store is as it was';
    throw new StoreError('DISK_FULL', detail, {}, error);
  }
}

function reshardStore(
  fileSystem: FileSystem,
  dataDir: string,
  shards: number,
  onWork: OnWork,
): ReshardReport {
  const old = openOfflineStore(fileSystem, dataDir);
  const from = old.manifest.shards;
  if (from === shards) return { from, to: shards, entries: undefined, leftover: undefined };
  const bytes = old.shards.reduce((sum, place) => sum + liveBytes(place), 0);
  onWork('checking', bytes);
  const proved = old.shards.map((place) => proveShard(place));
  removeStrayLayouts(fileSystem, dataDir);
  onWork('writing the new layout', bytes);
  const entries = replaceLayout(old, proved, { fileSystem, dataDir, shards, onWork });
  return { from, to: shards, entries, leftover: removeReplaced(fileSystem, dataDir) };
}
