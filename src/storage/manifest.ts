// manifest.json makes a data folder a store: id, shard count, live layout. The program writes it
// when it makes the store or changes the layout. Knows no content of shards.
import { StoreError } from '../base/errors.ts';
import { damaged } from './damage.ts';
import {
  isDataFile,
  isLayoutFolder,
  manifestDraftNames,
  manifestName,
  manifestReplacementName,
} from './file-names.ts';
import {
  formatVersion,
  isReadableFormatVersion,
  readableFormatVersions,
  type FormatVersion,
} from './format-version.ts';
import { createFile, prepareFile, readWhole, sizeOfFile, type FileSystem } from './file-system.ts';
import { decodeSealedFile, encodeSealedFile } from './sealed-file.ts';

const format = 'holdfast';

export interface Manifest {
  /** The store's id, a UUID. */
  readonly store: string;
  readonly shards: number;
  /** Name of the live layout's folder. */
  readonly layout: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
}

/** A manifest as a file holds it. */
export interface StoredManifest extends Manifest {
  /** Format version of all files of the layout. */
  readonly formatVersion: FormatVersion;
}

function manifestPath(dataDir: string): string {
  return `${dataDir}/${manifestName}`;
}

function draftPath(dataDir: string, making: Making): string {
  return `${dataDir}/${manifestDraftNames[making]}`;
}

/** Purpose of a store in the making: `new` begins empty, `filled` takes over data. */
export type Making = keyof typeof manifestDraftNames;

const makings: readonly Making[] = ['new', 'filled'];

/**
 * A crash may cut the making of a new store short. No client has got an acknowledgement from it then.
 *
 * @returns undefined if there is no store yet: an empty folder, or an unfinished new store
 * @throws StoreError STORE_DAMAGED if there is data but no manifest, or it is not whole;
 *   STORE_MISMATCH if a restore or repair was cut short, or if the format version is not known
 */
export function readManifest(fileSystem: FileSystem, dataDir: string): StoredManifest | undefined {
  const path = manifestPath(dataDir);
  if (!fileSystem.exists(path)) {
    const making = unfinishedMaking(fileSystem, dataDir);
    if (making === 'filled') throw wasCutShort(dataDir);
    const layout = fileSystem.list(dataDir).find(isLayoutFolder);
    if (layout === undefined) return undefined;
    if (making === undefined) {
      throw damaged({ file: manifestName }, `the file is missing, but there is ${layout}`);
    }
    if (holdsData(fileSystem, `${dataDir}/${layout}`)) {
      throw damaged({ file: manifestName }, `the file is missing, but ${layout} holds data`);
    }
    return undefined;
  }
  const object = decodeSealedFile(readWhole(fileSystem, path), manifestName);
  const { format: found, formatVersion: version } = object;
  if (found !== format) {
    throw damaged({ file: manifestName }, `it is another file, of format ${String(found)}`);
  }
  if (!isReadableFormatVersion(version)) {
    throw new StoreError(
      'STORE_MISMATCH',
      `${manifestName}: format version ${String(version)} is not known; this program reads versions ` +
        `${readableFormatVersions.join(' and ')}. Nothing has been changed.`,
    );
  }
  const { store, shards, layout, createdAt } = object as unknown as Manifest;
  return { formatVersion: version, store, shards, layout, createdAt };
}

function wasCutShort(dataDir: string): StoreError {
  return new StoreError(
    'STORE_MISMATCH',
    `a restore or repair into ${dataDir} was cut short, and nothing in it counts yet: run it again, ` +
      'or remove the folder. Nothing has been changed.',
  );
}

/** An unfinished new store has only empty journals: a longer file is data. */
function holdsData(fileSystem: FileSystem, layout: string): boolean {
  return fileSystem.list(layout).some((shard) =>
    fileSystem
      .list(`${layout}/${shard}`)
      .filter(isDataFile)
      .some((name) => sizeOfFile(fileSystem, `${layout}/${shard}/${name}`) > 0),
  );
}

/**
 * Finds out whether the making of a store was cut short. The draft of the manifest is there before
 * the first layout folder. It becomes the manifest after the last file is durable. So a folder with
 * a draft and no manifest holds an unfinished store.
 *
 * @returns the purpose of the unfinished store; undefined if there is none
 */
export function unfinishedMaking(fileSystem: FileSystem, dataDir: string): Making | undefined {
  if (fileSystem.exists(manifestPath(dataDir))) return undefined;
  return makings.find((making) => fileSystem.exists(draftPath(dataDir, making)));
}

/** Removes the files of an unfinished store, its draft last. */
export function removeUnfinishedStore(fileSystem: FileSystem, dataDir: string): void {
  const making = unfinishedMaking(fileSystem, dataDir);
  if (making === undefined) return;
  for (const name of fileSystem.list(dataDir).filter(isLayoutFolder)) {
    fileSystem.removeFolder(`${dataDir}/${name}`);
  }
  // Without this sync, a crash could leave layouts and no draft: like a store that lost its manifest.
  fileSystem.syncFolder(dataDir);
  fileSystem.remove(draftPath(dataDir, making));
  fileSystem.syncFolder(dataDir);
}

function encodeManifest({ store, shards, layout, createdAt }: Manifest): Buffer {
  const object = { format, formatVersion, store, shards, layout, hash: 'crc16', createdAt };
  return encodeSealedFile(object);
}

/** First step of making a store: says durably that the making has begun. */
export function draftManifest(
  fileSystem: FileSystem,
  dataDir: string,
  manifest: Manifest,
  making: Making,
): void {
  createFile(fileSystem, draftPath(dataDir, making), encodeManifest(manifest));
  fileSystem.syncFolder(dataDir);
}

/** Last step of making a store: the draft becomes the manifest, durably. */
export function nameManifest(fileSystem: FileSystem, dataDir: string, making: Making): void {
  fileSystem.rename(draftPath(dataDir, making), manifestPath(dataDir));
  fileSystem.syncFolder(dataDir);
}

/** Replaces the manifest durably. A crash leaves the old one or the new one, whole. */
export function replaceManifest(fileSystem: FileSystem, dataDir: string, manifest: Manifest): void {
  const bytes = encodeManifest(manifest);
  prepareFile(fileSystem, dataDir, manifestName, bytes, manifestReplacementName)();
}

/**
 * Removes the file of a replacement that was cut short.
 *
 * @returns whether there was one
 */
export function removeManifestReplacement(fileSystem: FileSystem, dataDir: string): boolean {
  const path = `${dataDir}/${manifestReplacementName}`;
  if (!fileSystem.exists(path)) return false;
  fileSystem.remove(path);
  return true;
}
