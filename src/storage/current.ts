// current.json names a shard's live files. A file that current.json does not name does not count.
// The file is one sealed line, and a writer replaces it whole.
import { damaged, unreadable } from './damage.ts';
import { currentName, journalName, snapshotName, temporarySuffix } from './file-names.ts';
import { formatVersion, isReadableFormatVersion } from './format-version.ts';
import { prepareFile, readWhole, type FileSystem } from './file-system.ts';
import type { ShardIdentity } from '../base/shard-location.ts';
import { decodeSealedFile, encodeSealedFile } from './sealed-file.ts';

const format = 'holdfast-current';

export interface SnapshotReference {
  readonly generation: number;
  readonly bytes: number;
  readonly entries: number;
  /** Checksum of its footer, which covers all lines before it. */
  readonly crc: string;
}

export interface JournalReference {
  readonly generation: number;
  /**
   * Valid length in bytes, if the shard has disowned the bytes behind it after a failed sync.
   * Otherwise the next journal's header says where this journal ends.
   */
  readonly bytes?: number;
}

/** A durable watermark: at least this much of the journal is on stable storage. */
export interface Mark {
  readonly generation: number;
  readonly bytes: number;
}

export interface FileSet {
  readonly snapshot: SnapshotReference | null;
  /** Oldest first. The shard writes to the last of the live ones. */
  readonly journals: readonly JournalReference[];
}

/** File names, relative to the shard's folder. */
export function namesOf({ snapshot, journals }: FileSet): string[] {
  const names = journals.map(({ generation }) => journalName(generation));
  return snapshot === null ? names : [snapshotName(snapshot.generation), ...names];
}

export interface Current extends FileSet {
  /** The files that the last compaction replaced. The shard keeps them until the next one. */
  readonly previous: FileSet | null;
  readonly mark: Mark | null;
}

/**
 * Writes the new current.json, durably, under a temporary name. The returned function puts it in
 * place. Until the caller calls that function, nothing has changed. If that function throws, the
 * old file or the new one is in place, whole.
 */
export function prepareCurrent(
  fileSystem: FileSystem,
  folder: string,
  identity: ShardIdentity,
  current: Current,
): () => void {
  const { store, shard } = identity;
  const { snapshot, journals, previous, mark } = current;
  const object = { format, formatVersion, store, shard, snapshot, journals, previous, mark };
  const bytes = encodeSealedFile(object);
  return prepareFile(fileSystem, folder, currentName, bytes, currentName + temporarySuffix);
}

export function writeCurrent(
  fileSystem: FileSystem,
  folder: string,
  identity: ShardIdentity,
  current: Current,
): void {
  prepareCurrent(fileSystem, folder, identity, current)();
}

/**
 * @param name the file's name relative to the data folder, for errors
 * @throws StoreError STORE_DAMAGED if the file is missing, damaged, or another shard's
 */
export function readCurrent(
  fileSystem: FileSystem,
  folder: string,
  name: string,
  identity: ShardIdentity,
): Current {
  const path = `${folder}/${currentName}`;
  if (!fileSystem.exists(path)) throw damaged({ file: name }, 'the file is missing');
  const object = decodeSealedFile(readWhole(fileSystem, path), name);
  if (object['format'] !== format || !isReadableFormatVersion(object['formatVersion'])) {
    throw unreadable({ file: name }, 'it is of an unknown format');
  }
  if (object['store'] !== identity.store || object['shard'] !== identity.shard) {
    throw damaged(
      { file: name },
      `it belongs to shard ${String(object['shard'])} of store ${String(object['store'])}`,
    );
  }
  // A sealed object of this format and version has the members of `Current`.
  const { snapshot, journals, previous, mark } = object as unknown as Current;
  return { snapshot, journals, previous, mark };
}
