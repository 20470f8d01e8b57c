// Makes and reads the files of one small shard in memory.
import type { FsyncMode } from '../../../src/base/fsync-mode.ts';
import { compact } from '../../../src/shard/streams/compaction.ts';
import type { Operation } from '../../../src/store/operation.ts';
import { BareShardStore, shardPlace } from '../stores/bare-shard-store.ts';
import { ManualClock } from '../simulated/manual-clock.ts';
import type { MemoryFileSystem } from './memory-file-system.ts';
import { walk } from '../stores/operations.ts';

export const folder = shardPlace.folder;

export function openShard(
  fileSystem: MemoryFileSystem,
  fsync: FsyncMode = 'always',
  clock = new ManualClock(),
  reserveBytesMin?: number,
): BareShardStore {
  return new BareShardStore(fileSystem, clock, fsync, reserveBytesMin);
}

/** A journal's lines, without the blanks after them. */
export function readJournal(fileSystem: MemoryFileSystem, path: string): Buffer {
  const bytes = fileSystem.read(path);
  let end = bytes.length;
  while (
    end > 0 &&
    (bytes[end - 1] === 0x20 || (bytes[end - 1] === 0x0a && bytes[end - 2] !== 0x7d))
  ) {
    end -= 1;
  }
  return bytes.subarray(0, end);
}

/** Folds all journals into a snapshot, as the scheduler does. Does nothing if nothing has changed. */
export function compactShard(fileSystem: MemoryFileSystem, store: BareShardStore): void {
  const input = store.shard.beginCompaction(store.timestamp());
  if (input === undefined) return;
  store.shard.installSnapshot(compact({ ...shardPlace, fileSystem }, input));
}

export async function submitEach(
  store: BareShardStore,
  operations: readonly Operation[],
): Promise<void> {
  for (const operation of operations) await store.submit(operation);
}

/** All entries of a shard as text, to compare: key, version, deadline and value. */
export async function contentsOf(store: BareShardStore): Promise<string[]> {
  const items = await walk(store, { includeValues: true });
  return items.map(({ key, version, expiresAt, value }) => {
    const bytes = Buffer.from(value ?? []).toString('base64');
    return `${key} ${version} ${expiresAt ?? '-'} ${bytes}`;
  });
}

/** The entries of a shard without versions and deadlines: `key=value`. */
export async function valuesOf(store: BareShardStore): Promise<string[]> {
  const items = await walk(store, { includeValues: true });
  return items.map(({ key, value }) => `${key}=${Buffer.from(value ?? []).toString()}`);
}

/**
 * Starts a shard on these files.
 *
 * @returns its entries, or the code of the error that refuses the start
 */
export async function startOn(
  fileSystem: MemoryFileSystem,
): Promise<{ contents: string[] } | { refused: string; message: string }> {
  try {
    return { contents: await contentsOf(openShard(fileSystem)) };
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return { refused: code ?? 'no code', message };
  }
}
