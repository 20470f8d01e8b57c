// Wraps a file system, and reports the bytes read from files opened for reading. The offline tools
// show their progress from it, so no reader has to report anything.
import type { FileSystem, ReadableFile } from '../storage/file-system.ts';

/** @param onRead called after each read with its number of bytes */
export function meteredFileSystem(
  fileSystem: FileSystem,
  onRead: (bytes: number) => void,
): FileSystem {
  return {
    ...boundCalls(fileSystem),
    openReadOnly: (path) => meteredFile(fileSystem.openReadOnly(path), onRead),
  };
}

/** Wraps one file, and reports the bytes that are read from it. */
export function meteredFile(file: ReadableFile, onRead: (bytes: number) => void): ReadableFile {
  return {
    read: (target, offset) => {
      const count = file.read(target, offset);
      onRead(count);
      return count;
    },
    size: () => file.size(),
    close: () => file.close(),
  };
}

/** Copies the methods one by one: a spread would lose those of a class. */
function boundCalls(fileSystem: FileSystem): FileSystem {
  return {
    create: (path) => fileSystem.create(path),
    open: (path) => fileSystem.open(path),
    openReadOnly: (path) => fileSystem.openReadOnly(path),
    exists: (path) => fileSystem.exists(path),
    list: (folder) => fileSystem.list(folder),
    makeFolder: (folder) => fileSystem.makeFolder(folder),
    rename: (from, to) => fileSystem.rename(from, to),
    remove: (path) => fileSystem.remove(path),
    removeFolder: (folder) => fileSystem.removeFolder(folder),
    syncFolder: (folder) => fileSystem.syncFolder(folder),
    freeBytes: (folder) => fileSystem.freeBytes(folder),
  };
}
