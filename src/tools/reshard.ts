// Gives a store that nobody serves another number of shards, in place: the new layout is written
// beside the live one, proved, and named by the manifest in one step. Cut short anywhere, the old
// layout or the new one stands, whole. The folder's lock is the caller's part.
import { isFullDisk, StoreError } from '../base/errors.ts';
import { seqJumpUnsynced, shardCountMax } from '../base/limits.ts';
import { entriesOf } from '../shard/entry-stream.ts';
import { mergeEntryStreams } from '../shard/merge-entry-streams.ts';
import { proveShard, type ProvedShard } from '../shard/recovery.ts';
import { nextLayoutFolderName } from '../storage/file-names.ts';
import type { FileSystem } from '../storage/file-system.ts';
import { readManifest, replaceManifest, type Manifest } from '../storage/manifest.ts';
import type { ShardPosition } from '../storage/shard-folder-writer.ts';
import { removeStrayLayouts } from '../storage/stray-layouts.ts';
import { liveBytes } from './live-bytes.ts';
import { openOfflineStore, type OfflineStore } from './offline-store.ts';
import { writeLayout, type LayoutPlan, type OnWork } from './write-layout.ts';

export interface ReshardReport {
  readonly from: number;
  readonly to: number;
  /** Undefined where nothing had to be done. */
  readonly entries: number | undefined;
  /** Why the old layout is still there; the next start removes it. */
  readonly leftover: string | undefined;
}

/**
 * @throws StoreError with nothing changed: STORE_DAMAGED, STORE_MISMATCH, or STORE_INACCESSIBLE
 *   where what was written does not read back; system errors
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
    if (!isFullDisk(error)) throw error;
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

/** It is done by now: what can not be removed takes room, and no more. */
function removeReplaced(fileSystem: FileSystem, dataDir: string): string | undefined {
  try {
    removeStrayLayouts(fileSystem, dataDir);
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** @returns how many entries there are */
function replaceLayout(
  old: OfflineStore,
  proved: readonly ProvedShard[],
  target: Omit<LayoutPlan, 'layout' | 'store'>,
): number {
  const { fileSystem, dataDir, shards } = target;
  const { store } = old.manifest;
  const layout = nextLayoutFolderName(old.manifest.layout);
  const position = positionAbove(proved);
  const entries = writeLayout(
    { ...target, layout, store },
    mergeEntryStreams(entriesOf(old.shards, proved)),
    () => position,
  );
  nameLayout(fileSystem, dataDir, { ...old.manifest, shards, layout });
  return entries;
}

function nameLayout(fileSystem: FileSystem, dataDir: string, next: Manifest): void {
  try {
    replaceManifest(fileSystem, dataDir, next);
  } catch (error) {
    if (names(fileSystem, dataDir, next.layout)) {
      // Nobody can say which of the two a power cut would leave: both stay.
      const detail = `${next.layout} is named, but that may not be durable: ${String(error)}`;
      throw new StoreError('STORE_INACCESSIBLE', detail, {}, error);
    }
    removeNew(fileSystem, dataDir);
    throw error;
  }
}

/** Where nobody can tell, it may be so. */
function names(fileSystem: FileSystem, dataDir: string, layout: string): boolean {
  try {
    return readManifest(fileSystem, dataDir)?.layout === layout;
  } catch {
    return true;
  }
}

function removeNew(fileSystem: FileSystem, dataDir: string): void {
  try {
    removeStrayLayouts(fileSystem, dataDir);
  } catch {
    // Why the manifest could not be replaced is what counts; the next start removes what is left.
  }
}

/** Keys change shards: no shard may give a version that any of the old ones may have given. */
function positionAbove(proved: readonly ProvedShard[]): ShardPosition {
  const seqs = proved.map(({ tail, mayHaveLostEnd }) => {
    return tail.end.seq + (mayHaveLostEnd ? seqJumpUnsynced : 0);
  });
  return { seq: Math.max(...seqs), at: Math.max(...proved.map(({ at }) => at)) };
}
