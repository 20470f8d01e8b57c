// Makes a store from a backup, in a folder that holds none. The manifest gets its name last, after the
// end of the backup is proved. After a crash before that, the next start or restore finds an unfinished
// store. The caller holds the folder's lock. It proves a backup first if it can read it twice.
import { assert } from '../base/assert.ts';
import { byteStringOfText } from '../base/byte-string.ts';
import { isDiskFull, StoreError } from '../base/errors.ts';
import { seqJumpRepaired } from '../base/limits.ts';
import type { StreamedEntry } from '../shard/streams/entry-stream.ts';
import { BackupReader } from '../storage/backup-reader.ts';
import { layoutFolderName } from '../storage/file-names.ts';
import type { FileSystem, ReadableFile } from '../storage/file-system.ts';
import { refuseUnlessEmpty } from '../storage/foreign-entries.ts';
import { draftManifest, nameManifest, removeUnfinishedStore } from '../storage/manifest.ts';
import { cleanUp } from './clean-up.ts';
import { withRaisedFences } from './raised-fences.ts';
import { writeLayout, type OnWork } from './write-layout.ts';

export interface Backup {
  readonly file: ReadableFile;
  /** The name of the backup in errors. */
  readonly name: string;
}

export interface RestorePlan {
  readonly fileSystem: FileSystem;
  /** A folder that exists and passes `refuseUnlessEmpty`. */
  readonly dataDir: string;
  /** The new store's id. */
  readonly store: string;
  readonly shards: number;
  /** Unix milliseconds. */
  readonly now: number;
  readonly onWork?: OnWork | undefined;
  /**
   * Leaves entries out, or changes or adds some. Keeps their order, and each key once. A version must
   * be below the seq of the backup.
   */
  readonly transform?: EntryTransform | undefined;
}

export interface RestoreReport {
  /** The number of entries in the new store. */
  readonly entries: number;
  /** The only namespace that the backup has; undefined: it has all of a store. */
  readonly namespace: string | undefined;
}

/** A change to the entries of a backup, or of a damaged store, on their way into the new store. */
export type EntryTransform = (entries: Iterable<StreamedEntry>) => Iterable<StreamedEntry>;

/**
 * Reads a whole backup, and checks every line.
 *
 * @returns the number of entries
 * @throws StoreError STORE_DAMAGED or STORE_MISMATCH
 */
export function proveBackup({ file, name }: Backup): number {
  const reader = new BackupReader(file, name);
  for (const block of reader.blocks()) void block;
  return reader.entries;
}

/**
 * Writes the store and makes it live. A restore that fails removes its files again.
 *
 * @param backup this reads it once, from front to back, and proves it on the way
 * @throws StoreError, for example STORE_DAMAGED or STORE_MISMATCH; system errors
 */
export function restoreBackup(backup: Backup, plan: RestorePlan): RestoreReport {
  const { fileSystem, dataDir, store, shards, now, onWork, transform = asTheyAre } = plan;
  refuseUnlessEmpty(fileSystem, dataDir);
  removeUnfinishedStore(fileSystem, dataDir);
  const layout = layoutFolderName(1);
  try {
    draftManifest(fileSystem, dataDir, { store, shards, layout, createdAt: now }, 'filled');
    onWork?.('restoring', backup.file.size());
    const reader = new BackupReader(backup.file, backup.name);
    // The original store has used more versions since the backup. The new store must not use them
    // again.
    const position = { seq: reader.header.seq + seqJumpRepaired, at: reader.header.at };
    const layoutPlan = { fileSystem, dataDir, layout, store, shards, onWork };
    const raised = withRaisedFences(entriesOf(reader), now);
    const entries = writeLayout(layoutPlan, transform(raised), () => position);
    assert(reader.isWhole, 'a transform reads the backup to its end');
    nameManifest(fileSystem, dataDir, 'filled');
    return { entries, namespace: reader.header.namespace };
  } catch (error) {
    // A file that stays here is removed by the next start or restore.
    cleanUp(() => removeUnfinishedStore(fileSystem, dataDir));
    if (!isDiskFull(error)) throw error;
    const detail = `no room on disk in ${dataDir}: what was written is removed`;
    throw new StoreError('DISK_FULL', detail, {}, error);
  }
}

const asTheyAre: EntryTransform = (entries) => entries;

function* entriesOf(reader: BackupReader): Generator<StreamedEntry, void, void> {
  for (const { namespace, entries } of reader.blocks()) {
    for (const record of entries) {
      const key = byteStringOfText(record.key);
      yield { namespace, key, version: record.version, record };
    }
  }
}
