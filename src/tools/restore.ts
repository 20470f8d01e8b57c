// Makes a store from a backup, in a folder that holds none. A backup that can be read twice is
// proved before anything is made. In any case the manifest is named last, behind its proved end: cut short, the folder holds what the next start
// or restore takes for unfinished. The folder's lock is the caller's part.
import { byteStringOfText } from '../base/byte-string.ts';
import { isFullDisk, StoreError } from '../base/errors.ts';
import { seqJumpRepaired } from '../base/limits.ts';
import type { StreamedEntry } from '../shard/entry-stream.ts';
import { BackupReader } from '../storage/backup-reader.ts';
import { layoutFolderName, lockName } from '../storage/file-names.ts';
import type { FileSystem, ReadableFile } from '../storage/file-system.ts';
import {
  draftManifest,
  nameManifest,
  removeUnfinishedStore,
  unfinishedMaking,
} from '../storage/manifest.ts';
import { writeLayout, type OnWork } from './write-layout.ts';

export interface Backup {
  readonly file: ReadableFile;
  /** For errors. */
  readonly name: string;
}

export interface RestorePlan {
  readonly fileSystem: FileSystem;
  /** A folder that exists; see `refuseUnlessEmpty`. */
  readonly dataDir: string;
  /** The new store's id. */
  readonly store: string;
  readonly shards: number;
  /** Unix milliseconds. */
  readonly now: number;
  readonly onWork?: OnWork | undefined;
}

/** What may be in a folder that holds nothing: our lock, and what file systems put there. */
const harmless: ReadonlySet<string> = new Set([lockName, 'lost+found']);

/** @throws StoreError STORE_MISMATCH where something is there that a restore could mix with */
export function refuseUnlessEmpty(fileSystem: FileSystem, dataDir: string): void {
  if (!fileSystem.exists(dataDir) || unfinishedMaking(fileSystem, dataDir) !== undefined) return;
  const found = fileSystem.list(dataDir).find((name) => !harmless.has(name));
  if (found === undefined) return;
  throw new StoreError(
    'STORE_MISMATCH',
    `${dataDir} is not empty, it holds ${found}: a backup is restored into a folder that is absent ` +
      'or empty. Nothing has been changed.',
  );
}

/**
 * Reads all of a backup.
 *
 * @returns how many entries it has
 * @throws StoreError STORE_DAMAGED or STORE_MISMATCH
 */
export function proveBackup({ file, name }: Backup): number {
  const reader = new BackupReader(file, name);
  for (const block of reader.blocks()) void block;
  return reader.entries;
}

/**
 * @param backup read from front to back, and proved on the way
 * @returns how many entries there are
 * @throws StoreError, STORE_DAMAGED or STORE_MISMATCH among others; system errors. Nothing is left in
 *   the folder.
 */
export function restoreBackup(backup: Backup, plan: RestorePlan): number {
  const { fileSystem, dataDir, store, shards, now, onWork } = plan;
  refuseUnlessEmpty(fileSystem, dataDir);
  removeUnfinishedStore(fileSystem, dataDir);
  const layout = layoutFolderName(1);
  try {
    draftManifest(fileSystem, dataDir, { store, shards, layout, createdAt: now }, 'filled');
    onWork?.('restoring', backup.file.size());
    const reader = new BackupReader(backup.file, backup.name);
    // The store it was taken of has given versions since: they must not be given again.
    const position = { seq: reader.header.seq + seqJumpRepaired, at: reader.header.at };
    const layoutPlan = { fileSystem, dataDir, layout, store, shards, onWork };
    const entries = writeLayout(layoutPlan, entriesOf(reader), () => position);
    nameManifest(fileSystem, dataDir, 'filled');
    return entries;
  } catch (error) {
    removeIfPossible(fileSystem, dataDir);
    if (!isFullDisk(error)) throw error;
    const detail = `no room on disk in ${dataDir}: what was written is removed`;
    throw new StoreError('DISK_FULL', detail, {}, error);
  }
}

function* entriesOf(reader: BackupReader): Generator<StreamedEntry, void, void> {
  for (const { namespace, entries } of reader.blocks()) {
    for (const record of entries) {
      const key = byteStringOfText(record.key);
      yield { namespace, key, version: record.version, record };
    }
  }
}

function removeIfPossible(fileSystem: FileSystem, dataDir: string): void {
  try {
    removeUnfinishedStore(fileSystem, dataDir);
  } catch {
    // Why it could not be restored is what counts; the next start or restore removes what is left.
  }
}
