// Writes a whole store anew beside its live layout, proves what it wrote, and names it in the manifest
// in one step. Cut short anywhere, the old layout or the new one stands, whole. Reshard and upgrade are
// made of this.
import { StoreError } from '../base/errors.ts';
import { seqJumpUnsynced } from '../base/limits.ts';
import { entriesOf } from '../shard/entry-stream.ts';
import { mergeEntryStreams } from '../shard/merge-entry-streams.ts';
import type { ProvedShard } from '../shard/recovery.ts';
import { nextLayoutFolderName } from '../storage/file-names.ts';
import type { FileSystem } from '../storage/file-system.ts';
import { readManifest, replaceManifest, type Manifest } from '../storage/manifest.ts';
import type { ShardPosition } from '../storage/shard-folder-writer.ts';
import { removeStrayLayouts } from '../storage/stray-layouts.ts';
import type { OfflineStore } from './offline-store.ts';
import { writeLayout, type LayoutPlan } from './write-layout.ts';

/**
 * @param proved the live shards, by number
 * @returns how many entries there are
 * @throws StoreError as `writeLayout`; STORE_INACCESSIBLE if the new layout is named, but not surely
 *   durably; system errors with nothing changed
 */
export function replaceLayout(
  old: OfflineStore,
  proved: readonly ProvedShard[],
  target: Omit<LayoutPlan, 'layout' | 'store'>,
): number {
  const { fileSystem, dataDir, shards } = target;
  const { store, createdAt } = old.manifest;
  const layout = nextLayoutFolderName(old.manifest.layout);
  const position = positionAbove(proved);
  const entries = writeLayout(
    { ...target, layout, store },
    mergeEntryStreams(entriesOf(old.shards, proved)),
    () => position,
  );
  nameLayout(fileSystem, dataDir, { store, createdAt, shards, layout });
  return entries;
}

/**
 * The new layout is live by now: an old one that cannot be removed takes room, and no more.
 *
 * @returns why the old layout is still there; undefined if it is gone
 */
export function removeReplaced(fileSystem: FileSystem, dataDir: string): string | undefined {
  try {
    removeStrayLayouts(fileSystem, dataDir);
    return undefined;
  } catch (error) {
    return String(error);
  }
}

function nameLayout(fileSystem: FileSystem, dataDir: string, next: Manifest): void {
  try {
    replaceManifest(fileSystem, dataDir, next);
  } catch (error) {
    if (names(fileSystem, dataDir, next.layout)) {
      // It cannot be known which of the two a power cut would leave: both stay.
      const detail = `${next.layout} is named, but that may not be durable: ${String(error)}`;
      throw new StoreError('STORE_INACCESSIBLE', detail, {}, error);
    }
    removeNew(fileSystem, dataDir);
    throw error;
  }
}

/** True also if the manifest cannot be read. */
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
    // The caller hears why the manifest could not be replaced. The next start removes what is left.
  }
}

/** Keys may change shards: no shard may give a version that any of the old ones may have given. */
function positionAbove(proved: readonly ProvedShard[]): ShardPosition {
  const seqs = proved.map(({ tail, mayHaveLostEnd }) => {
    return tail.end.seq + (mayHaveLostEnd ? seqJumpUnsynced : 0);
  });
  return { seq: Math.max(...seqs), at: Math.max(...proved.map(({ at }) => at)) };
}
