// How much there is to read in a data folder, for telling how far long work has come.
import { isDataFile, isLayoutFolder, shardOfFolder } from '../storage/file-names.ts';
import type { FileSystem } from '../storage/file-system.ts';

/** All snapshots and journals, live or not. */
export function dataBytes(fileSystem: FileSystem, dataDir: string): number {
  const shards = fileSystem
    .list(dataDir)
    .filter(isLayoutFolder)
    .flatMap((layout) => foldersIn(fileSystem, `${dataDir}/${layout}`));
  return shards
    .flatMap((folder) => filesIn(fileSystem, folder))
    .reduce((sum, path) => sum + sizeOf(fileSystem, path), 0);
}

function foldersIn(fileSystem: FileSystem, layout: string): string[] {
  return fileSystem
    .list(layout)
    .filter((name) => shardOfFolder(name) !== undefined)
    .map((name) => `${layout}/${name}`);
}

function filesIn(fileSystem: FileSystem, folder: string): string[] {
  return fileSystem
    .list(folder)
    .filter(isDataFile)
    .map((name) => `${folder}/${name}`);
}

function sizeOf(fileSystem: FileSystem, path: string): number {
  const file = fileSystem.openReadOnly(path);
  try {
    return file.size();
  } finally {
    file.close();
  }
}
