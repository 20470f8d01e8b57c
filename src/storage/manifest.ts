// manifest.json: what the data folder is. Written once when the folder is made (and by whatever
// changes the layout); a folder without it is not a store.
import { StoreError } from '../base/errors.ts';
import { damaged } from './damage.ts';
import {
  isLayoutFolder,
  manifestName,
  manifestReplacementName,
  temporarySuffix,
} from './file-names.ts';
import { readWhole, prepareFile, writeFully, type FileSystem } from './file-system.ts';
import { decodeSealedFile, encodeSealedFile } from './sealed-file.ts';

const format = 'holdfast';
const formatVersion = 1;

export interface Manifest {
  /** The store's id, a UUID. */
  readonly store: string;
  readonly shards: number;
  /** Name of the live layout folder. */
  readonly layout: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
}

function manifestPath(dataDir: string): string {
  return `${dataDir}/${manifestName}`;
}

/**
 * Undefined where there is no store yet: an empty folder, or one whose making was cut short
 * (then nothing was ever acknowledged in it).
 *
 * @throws StoreError STORE_DAMAGED where there is data but no manifest, or it is not whole
 */
export function readManifest(fileSystem: FileSystem, dataDir: string): Manifest | undefined {
  const path = manifestPath(dataDir);
  if (!fileSystem.exists(path)) {
    const layout = fileSystem.list(dataDir).find(isLayoutFolder);
    if (layout === undefined || isUnfinishedStore(fileSystem, dataDir)) return undefined;
    throw damaged({ file: manifestName }, `the file is missing, but there is ${layout}`);
  }
  const object = decodeSealedFile(readWhole(fileSystem, path), manifestName);
  if (object['format'] !== format || object['formatVersion'] !== formatVersion) {
    throw new StoreError(
      'STORE_MISMATCH',
      `${manifestName}: format ${String(object['format'])} version ${String(object['formatVersion'])} is not known; ` +
        `this program reads ${format} version ${formatVersion}`,
    );
  }
  const { store, shards, layout, createdAt } = object as unknown as Manifest;
  return { store, shards, layout, createdAt };
}

/**
 * Until the manifest is named, its temporary file says that the folder is being made. It is
 * written before the first layout folder and becomes the manifest after the last file: a folder
 * that has it, and no manifest, holds a store whose making was cut short.
 */
export function isUnfinishedStore(fileSystem: FileSystem, dataDir: string): boolean {
  const path = manifestPath(dataDir);
  return !fileSystem.exists(path) && fileSystem.exists(path + temporarySuffix);
}

/** Removes what is left of a making that was cut short. */
export function removeUnfinishedStore(fileSystem: FileSystem, dataDir: string): void {
  if (!isUnfinishedStore(fileSystem, dataDir)) return;
  for (const name of fileSystem.list(dataDir).filter(isLayoutFolder)) {
    fileSystem.removeFolder(`${dataDir}/${name}`);
  }
  // Layouts without the draft would look like a store that has lost its manifest.
  fileSystem.syncFolder(dataDir);
  fileSystem.remove(manifestPath(dataDir) + temporarySuffix);
  fileSystem.syncFolder(dataDir);
}

function encodeManifest({ store, shards, layout, createdAt }: Manifest): Buffer {
  const object = { format, formatVersion, store, shards, layout, hash: 'crc16', createdAt };
  return encodeSealedFile(object);
}

/** First step of making a store: says durably that one is being made. */
export function draftManifest(fileSystem: FileSystem, dataDir: string, manifest: Manifest): void {
  const file = fileSystem.create(manifestPath(dataDir) + temporarySuffix);
  try {
    writeFully(file, encodeManifest(manifest), 0);
    file.sync();
  } finally {
    file.close();
  }
  fileSystem.syncFolder(dataDir);
}

/** Last step: from here on the folder is a store. */
export function nameManifest(fileSystem: FileSystem, dataDir: string): void {
  fileSystem.rename(manifestPath(dataDir) + temporarySuffix, manifestPath(dataDir));
  fileSystem.syncFolder(dataDir);
}

/** A crash leaves the one or the other, whole; durable when it returns. */
export function replaceManifest(fileSystem: FileSystem, dataDir: string, manifest: Manifest): void {
  const bytes = encodeManifest(manifest);
  prepareFile(fileSystem, dataDir, manifestName, bytes, manifestReplacementName)();
}

/** What a replacement that was cut short leaves. True where there was something. */
export function removeManifestReplacement(fileSystem: FileSystem, dataDir: string): boolean {
  const path = `${dataDir}/${manifestReplacementName}`;
  if (!fileSystem.exists(path)) return false;
  fileSystem.remove(path);
  return true;
}
