// Distributes one sorted stream of entries over the shards of a new layout, and proves what it
// wrote by reading it back. Nothing is named: the layout counts once a manifest says so, which is
// the caller's part.
import { StoreError } from '../base/errors.ts';
import { recoverShard } from '../shard/recovery.ts';
import { shardFolderName } from '../storage/file-names.ts';
import type { FileSystem } from '../storage/file-system.ts';
import { ShardFolderWriter, type ShardPosition } from '../storage/shard-folder-writer.ts';
import { shardOfSlot, slotOfKey } from '../store/slot.ts';

/** One entry of a stream in (namespace, key) order. */
export interface SortedEntry {
  readonly namespace: string;
  /** As byte string. */
  readonly key: string;
  /** Encoded (src/storage/record.ts). */
  readonly entry: string;
}

export interface LayoutPlan {
  readonly fileSystem: FileSystem;
  readonly dataDir: string;
  /** Name of the layout's folder, which must not be there. */
  readonly layout: string;
  /** The store's id. */
  readonly store: string;
  readonly shards: number;
}

/**
 * Writes all shards, whole and durable, and reads them back. Whatever fails, the folder is removed.
 *
 * @param entries the whole store, each key once
 * @param position where every shard stands; asked for once all entries are written
 * @returns how many entries there are
 * @throws StoreError STORE_DAMAGED where the source or what was written is not what it must be;
 *   system errors
 */
export function writeLayout(
  plan: LayoutPlan,
  entries: Iterable<SortedEntry>,
  position: () => ShardPosition,
): number {
  const { fileSystem, dataDir, layout } = plan;
  const folder = `${dataDir}/${layout}`;
  try {
    fileSystem.makeFolder(folder);
    const written = writeShards(plan, entries, position);
    fileSystem.syncFolder(folder);
    fileSystem.syncFolder(dataDir);
    for (const [shard, expected] of written.entries()) checkShard(plan, shard, expected);
    return written.reduce((sum, count) => sum + count, 0);
  } catch (error) {
    removeIfPossible(fileSystem, folder);
    throw error;
  }
}

/** What can not be removed is removed by the next start: no manifest names it. */
function removeIfPossible(fileSystem: FileSystem, folder: string): void {
  try {
    if (fileSystem.exists(folder)) fileSystem.removeFolder(folder);
  } catch {
    // Why the layout could not be written is what counts.
  }
}

/** @returns the entries of each shard */
function writeShards(
  plan: LayoutPlan,
  entries: Iterable<SortedEntry>,
  position: () => ShardPosition,
): number[] {
  const writers: ShardFolderWriter[] = [];
  try {
    for (let shard = 0; shard < plan.shards; shard++) writers.push(openWriter(plan, shard));
    for (const { namespace, key, entry } of entries) {
      writers[shardOfSlot(slotOfKey(key), plan.shards)]?.add(namespace, entry);
    }
    const end = position();
    return writers.map((writer) => writer.finish(end).entries);
  } finally {
    for (const writer of writers) writer.close();
  }
}

function openWriter({ fileSystem, dataDir, layout, store }: LayoutPlan, shard: number) {
  const folder = `${dataDir}/${layout}/${shardFolderName(shard)}`;
  return new ShardFolderWriter(fileSystem, folder, { store, shard });
}

/** As a start would read it. */
function checkShard(plan: LayoutPlan, shard: number, expected: number): void {
  const { fileSystem, dataDir, layout, store } = plan;
  const name = `${layout}/${shardFolderName(shard)}`;
  const identity = { store, shard };
  const { table } = recoverShard({ fileSystem, folder: `${dataDir}/${name}`, name, identity });
  if (table.entries === expected) return;
  throw new StoreError(
    'STORE_DAMAGED',
    `${name} was written with ${expected} entries, and ${table.entries} were read back`,
  );
}
