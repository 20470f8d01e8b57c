// Writes a whole store into a second layout and proves the new files. Then puts the new layout into
// the manifest in one step. After a crash at any point, the old layout or the new one is live,
// whole. Reshard and upgrade use this. Does not know why they replace the layout.
import { StoreError } from '../base/errors.ts';
import { seqJumpUnsynced } from '../base/limits.ts';
import { liveEntriesOf } from '../shard/streams/live-entries.ts';
import { mergeEntryStreams } from '../shard/streams/merge-entry-streams.ts';
import type { ProvedShard } from '../shard/recovery/recovery.ts';
import { nextLayoutFolderName } from '../storage/file-names.ts';
import type { FileSystem } from '../storage/file-system.ts';
import { readManifest, replaceManifest, type Manifest } from '../storage/manifest.ts';
import type { ShardPosition } from '../storage/shard-folder-writer.ts';
import { removeStrayLayouts } from '../storage/stray-layouts.ts';
import { cleanUp } from './clean-up.ts';
import type { OfflineStore } from './offline-store.ts';
import { writeLayout, type LayoutPlan } from './write-layout.ts';

/**
 * Writes the new layout and makes it the live one. The old layout stays until `removeReplaced`.
 *
 * @param proved the live shards; the index is the shard's number
 * @returns the number of entries
 * @throws StoreError as `writeLayout`; STORE_INACCESSIBLE if the manifest names the new layout, but
 *   perhaps not durably; system errors with nothing changed
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
    mergeEntryStreams(liveEntriesOf(old.shards, proved)),
    () => position,
  );
  nameLayout(fileSystem, dataDir, { store, createdAt, shards, layout });
  return entries;
}

/**
 * Removes the old layout. The new layout is live by now: an old one that stays only takes room.
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
      // A power cut may leave the old manifest or the new one, so both layouts stay.
      const detail = `${next.layout} is named, but that may not be durable: ${String(error)}`;
      throw new StoreError('STORE_INACCESSIBLE', detail, {}, error);
    }
    // The next start removes a layout that stays here.
    cleanUp(() => removeStrayLayouts(fileSystem, dataDir));
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

/** A position above all versions that any old shard may have given: keys may change shards. */
function positionAbove(proved: readonly ProvedShard[]): ShardPosition {
  const seqs = proved.map(({ openJournal, mayHaveLostEnd }) => {
    return openJournal.end.seq + (mayHaveLostEnd ? seqJumpUnsynced : 0);
  });
  return { seq: Math.max(...seqs), at: Math.max(...proved.map(({ at }) => at)) };
}
