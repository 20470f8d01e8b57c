// Distributes one sorted stream of entries over the shards of a new layout. Reads the new files
// back to prove them. Knows no manifest: the layout counts only once the caller has put it there.
import { StoreError } from '../base/errors.ts';
import type { StreamedEntry } from '../shard/streams/entry-stream.ts';
import { liveEntriesOf } from '../shard/streams/live-entries.ts';
import { mergeEntryStreams } from '../shard/streams/merge-entry-streams.ts';
import { proveShard } from '../shard/recovery/recovery.ts';
import { placesOf, type ShardPlace } from '../shard/shard-place.ts';
import type { FileSystem } from '../storage/file-system.ts';
import { encodeEntry } from '../storage/record.ts';
import { ShardFolderWriter, type ShardPosition } from '../storage/shard-folder-writer.ts';
import { shardOfKey } from '../store/slot.ts';
import { cleanUp } from './clean-up.ts';
import { EntryDigest } from './entry-digest.ts';
import { liveBytes } from './live-bytes.ts';

/** Called when a piece of long work begins, with the number of bytes to read. */
export type OnWork = (work: string, bytes: number) => void;

export interface LayoutPlan {
  readonly fileSystem: FileSystem;
  readonly dataDir: string;
  /** Name of the layout's folder. The folder must not exist. */
  readonly layout: string;
  /** The store's id. */
  readonly store: string;
  readonly shards: number;
  readonly onWork?: OnWork | undefined;
}

/**
 * Writes all shards, whole and durable, and reads them back. On any error the folder is removed.
 *
 * @param entries the whole store in (namespace, key) order, each key once
 * @param position gives the position of every shard; called once all entries are written
 * @returns the number of entries
 * @throws StoreError STORE_DAMAGED if the source is not valid, STORE_INACCESSIBLE if the new files
 *   do not read back; system errors
 */
export function writeLayout(
  plan: LayoutPlan,
  entries: Iterable<StreamedEntry>,
  position: () => ShardPosition,
): number {
  const { fileSystem, dataDir, layout } = plan;
  const folder = `${dataDir}/${layout}`;
  const places = placesOf(fileSystem, dataDir, plan);
  try {
    fileSystem.makeFolder(folder);
    const written = writeShards(places, entries, position);
    fileSystem.syncFolder(folder);
    fileSystem.syncFolder(dataDir);
    // This reads every byte twice: once to prove the files, once to compare the entries.
    const bytes = places.reduce((sum, place) => sum + liveBytes(place), 0);
    plan.onWork?.('reading back', 2 * bytes);
    checkReadsBack(layout, places, written);
    return written.entries;
  } catch (error) {
    // The next start removes a folder that stays here: no manifest names it.
    cleanUp(() => {
      if (fileSystem.exists(folder)) fileSystem.removeFolder(folder);
    });
    throw error;
  }
}

function writeShards(
  places: readonly ShardPlace[],
  entries: Iterable<StreamedEntry>,
  position: () => ShardPosition,
): EntryDigest {
  const digest = new EntryDigest();
  const writers: ShardFolderWriter[] = [];
  try {
    for (const { fileSystem, folder, identity } of places) {
      writers.push(new ShardFolderWriter(fileSystem, folder, identity));
    }
    for (const { namespace, key, record, version } of entries) {
      const entry = encodeEntry(record, version);
      digest.add(namespace, entry, version);
      writers[shardOfKey(key, places.length)]?.add(namespace, entry);
    }
    const end = position();
    if (digest.highestVersion >= end.seq) throw versionTooHigh(digest.highestVersion, end.seq);
    for (const writer of writers) writer.finish(end);
    return digest;
  } finally {
    for (const writer of writers) writer.close();
  }
}

/** The new shards would use a version again that an entry has. */
function versionTooHigh(version: number, seq: number): StoreError {
  const detail = `there is an entry of version ${version}, though the next to be given is ${seq}`;
  return new StoreError('STORE_DAMAGED', detail);
}

/** Reads every entry as a start would, and compares the whole with the entries written. */
function checkReadsBack(layout: string, places: readonly ShardPlace[], written: EntryDigest): void {
  let found: EntryDigest;
  try {
    const proved = places.map((place) => proveShard(place));
    found = EntryDigest.of(mergeEntryStreams(liveEntriesOf(places, proved)));
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw doesNotReadBack(layout, error.message, error);
  }
  if (found.equals(written)) return;
  const what = `${written.entries} entries were written, ${found.entries} read back`;
  throw doesNotReadBack(layout, what);
}

function doesNotReadBack(layout: string, what: string, cause?: unknown): StoreError {
  const detail = `what was written to ${layout} does not read back: ${what}`;
  return new StoreError('STORE_INACCESSIBLE', detail, {}, cause);
}
