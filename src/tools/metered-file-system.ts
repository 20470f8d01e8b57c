// A file system that tells how many bytes were read from files opened for reading: how the offline
// tools know how far they have come, without anything that reads having to tell.
import type { FileSystem, OpenFile, ReadableFile } from '../storage/file-system.ts';

export function meteredFileSystem(
  fileSystem: FileSystem,
  onRead: (bytes: number) => void,
): FileSystem {
  return {
    ...boundCalls(fileSystem),
    openReadOnly: (path) => metered(fileSystem.openReadOnly(path), onRead),
  };
}

function metered(file: OpenFile, onRead: (bytes: number) => void): OpenFile {
  return {
    ...meteredFile(file, onRead),
    write: (bytes, offset) => file.write(bytes, offset),
    truncate: (length) => file.truncate(length),
    sync: () => file.sync(),
    syncSoon: () => file.syncSoon(),
  };
}

/** The same for one file. */
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

/** An implementation may be a class, whose methods do not survive spreading. */
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
