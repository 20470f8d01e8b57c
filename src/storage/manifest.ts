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
import { readWhole, prepareFile, writeFully, type FileSystem } from './file-system.ts';
import { decodeSealedFile, encodeSealedFile } from './sealed-file.ts';

const format = 'holdfast';

export interface Manifest {
  /** The store's id, a UUID. */
  readonly store: string;
  readonly shards: number;
  /** Name of the live layout folder. */
  readonly layout: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
}

/** A manifest as it was read. */
export interface StoredManifest extends Manifest {
  /** Of all files of the layout. */
  readonly formatVersion: FormatVersion;
}

function manifestPath(dataDir: string): string {
  return `${dataDir}/${manifestName}`;
}

function draftPath(dataDir: string, making: Making): string {
  return `${dataDir}/${manifestDraftNames[making]}`;
}

/** What a store is made for. */
export type Making = keyof typeof manifestDraftNames;

const makings: readonly Making[] = ['new', 'filled'];

/**
 * Undefined if there is no store yet: an empty folder, or one where the making of a new store was cut
 * short (then nothing was ever acknowledged in it).
 *
 * @throws StoreError STORE_DAMAGED if there is data but no manifest, or it is not whole; STORE_MISMATCH
 *   if a restore or repair into the folder was cut short, or if the format version is not known
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

/** A new store's shards hold empty journals and nothing else. */
function holdsData(fileSystem: FileSystem, layout: string): boolean {
  return fileSystem.list(layout).some((shard) =>
    fileSystem
      .list(`${layout}/${shard}`)
      .filter(isDataFile)
      .some((name) => {
        const file = fileSystem.openReadOnly(`${layout}/${shard}/${name}`);
        try {
          return file.size() > 0;
        } finally {
          file.close();
        }
      }),
  );
}

/**
 * Until the manifest is named, its draft says that the folder is being made, and what for. It is
 * written before the first layout folder and becomes the manifest after the last file: a folder
 * that has it, and no manifest, holds a store whose making was cut short.
 */
export function unfinishedMaking(fileSystem: FileSystem, dataDir: string): Making | undefined {
  if (fileSystem.exists(manifestPath(dataDir))) return undefined;
  return makings.find((making) => fileSystem.exists(draftPath(dataDir, making)));
}

/** Removes what is left of a making that was cut short. */
export function removeUnfinishedStore(fileSystem: FileSystem, dataDir: string): void {
  const making = unfinishedMaking(fileSystem, dataDir);
  if (making === undefined) return;
  for (const name of fileSystem.list(dataDir).filter(isLayoutFolder)) {
    fileSystem.removeFolder(`${dataDir}/${name}`);
  }
  // Layouts without the draft would look like a store that has lost its manifest.
  fileSystem.syncFolder(dataDir);
  fileSystem.remove(draftPath(dataDir, making));
  fileSystem.syncFolder(dataDir);
}

function encodeManifest({ store, shards, layout, createdAt }: Manifest): Buffer {
  const object = { format, formatVersion, store, shards, layout, hash: 'crc16', createdAt };
  return encodeSealedFile(object);
}

/** First step of making a store: says durably that one is being made. */
export function draftManifest(
  fileSystem: FileSystem,
  dataDir: string,
  manifest: Manifest,
  making: Making,
): void {
  const file = fileSystem.create(draftPath(dataDir, making));
  try {
    writeFully(file, encodeManifest(manifest), 0);
    file.sync();
  } finally {
    file.close();
  }
  fileSystem.syncFolder(dataDir);
}

/** Last step: from here on the folder is a store. */
export function nameManifest(fileSystem: FileSystem, dataDir: string, making: Making): void {
  fileSystem.rename(draftPath(dataDir, making), manifestPath(dataDir));
  fileSystem.syncFolder(dataDir);
}

/** A crash leaves the one or the other, whole; durable when it returns. */
export function replaceManifest(fileSystem: FileSystem, dataDir: string, manifest: Manifest): void {
  const bytes = encodeManifest(manifest);
  prepareFile(fileSystem, dataDir, manifestName, bytes, manifestReplacementName)();
}

/** Removes the file of a replacement that was cut short. True if there was one. */
export function removeManifestReplacement(fileSystem: FileSystem, dataDir: string): boolean {
  const path = `${dataDir}/${manifestReplacementName}`;
  if (!fileSystem.exists(path)) return false;
  fileSystem.remove(path);
  return true;
}
