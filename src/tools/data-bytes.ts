// Counts the bytes of a data folder, so that long work can show its progress. Reads no contents.
import { isDataFile, isLayoutFolder, shardOfFolder } from '../storage/file-names.ts';
import { sizeOfFile, type FileSystem } from '../storage/file-system.ts';

/** Bytes of all snapshots and journals of all layouts, live or not. */
export function dataBytes(fileSystem: FileSystem, dataDir: string): number {
  const shards = fileSystem
    .list(dataDir)
    .filter(isLayoutFolder)
    .flatMap((layout) => foldersIn(fileSystem, `${dataDir}/${layout}`));
  return shards
    .flatMap((folder) => filesIn(fileSystem, folder))
    .reduce((sum, path) => sum + sizeOfFile(fileSystem, path), 0);
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
