// Rewrites a store of an older format version in the current version, in place. Runs before a
// server opens the store. After a crash at any point, the old layout or the new one is live, whole.
// The caller holds the folder's lock.
import { isDiskFull, StoreError } from '../base/errors.ts';
import { proveShard, type ProvedShard } from '../shard/recovery/recovery.ts';
import type { ShardPlace } from '../shard/shard-place.ts';
import type { FileSystem } from '../storage/file-system.ts';
import { formatVersion, type FormatVersion } from '../storage/format-version.ts';
import { readManifest } from '../storage/manifest.ts';
import { removeStrayLayouts } from '../storage/stray-layouts.ts';
import { liveBytes } from './live-bytes.ts';
import { openStoreOfAnyVersion } from './offline-store.ts';
import { removeReplaced, replaceLayout } from './replace-layout.ts';
import type { OnWork } from './write-layout.ts';

export interface UpgradeReport {
  readonly from: FormatVersion;
  readonly entries: number;
  /** Why the old layout is still there, if it is. The next start removes the old layout. */
  readonly leftover: string | undefined;
}

/** True if the folder has a store that must be upgraded before a server can open the store. */
export function needsUpgrade(fileSystem: FileSystem, dataDir: string): boolean {
  const manifest = readManifest(fileSystem, dataDir);
  return manifest !== undefined && manifest.formatVersion !== formatVersion;
}

/**
 * @throws StoreError with nothing changed: STORE_MISMATCH if the store was not stopped cleanly,
 *   STORE_DAMAGED, DISK_FULL, STORE_INACCESSIBLE; system errors
 */
export function upgradeStore(
  fileSystem: FileSystem,
  dataDir: string,
  onWork: OnWork = () => undefined,
): UpgradeReport {
  const old = openStoreOfAnyVersion(fileSystem, dataDir);
  const { formatVersion: from, shards } = old.manifest;
  const bytes = old.shards.reduce((sum, place) => sum + liveBytes(place), 0);
  onWork('checking', bytes);
  const proved = old.shards.map((place) => proveCleanlyStopped(place, from));
  removeStrayLayouts(fileSystem, dataDir);
  onWork('rewriting the store', bytes);
  try {
    const entries = replaceLayout(old, proved, { fileSystem, dataDir, shards, onWork });
    return { from, entries, leftover: removeReplaced(fileSystem, dataDir) };
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    const detail =
      `no room on disk to rewrite the store in format version ${formatVersion}, which takes about as ` +
      'much as the live data; the new files are removed, and the store is unchanged';
    throw new StoreError('DISK_FULL', detail, {}, error);
  }
}

/** Only the program that wrote a store knows for certain what state its crash may have left. */
function proveCleanlyStopped(place: ShardPlace, version: FormatVersion): ProvedShard {
  const proved = proveShard(place);
  const { current, openJournal, torn, traces } = proved;
  const isMarkedToItsEnd =
    current.mark?.generation === openJournal.end.generation &&
    current.mark.bytes === openJournal.end.bytes;
  if (isMarkedToItsEnd && torn.length === 0 && traces.prepared.size === 0) return proved;
  throw new StoreError(
    'STORE_MISMATCH',
    `${place.name} is of format version ${version} and was not stopped cleanly: start it with the ` +
      'program that wrote it, stop that with SIGTERM, and try again. Nothing has been changed.',
  );
}
