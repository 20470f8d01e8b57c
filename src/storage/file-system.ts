// The interface to the operating system's files. A simulation can implement it, and so cause
// crashes, full disks and lost writes. Knows no file name and no format.
//
// All calls are synchronous and throw Node's system errors (`code` ENOSPC, EIO ...) unless they
// say otherwise. Callers join paths with '/'.

export interface OpenFile {
  /** Writes at `offset`; may write less than all, which says that the next try will fail. */
  write(bytes: Uint8Array, offset: number): number;
  /** Reads from `offset` into `target`; 0 at the end of the file. */
  read(target: Uint8Array, offset: number): number;
  size(): number;
  truncate(length: number): void;
  /** fdatasync: content and length are on stable storage when it returns. */
  sync(): void;
  /** The same beside other work; rejects with the system error. */
  syncSoon(): Promise<void>;
  close(): void;
}

/** A file that is only read. The size of one that is read from front to back is Infinity. */
export type ReadableFile = Pick<OpenFile, 'read' | 'size' | 'close'>;

export interface FileSystem {
  /** Creates a file that must not exist yet. */
  create(path: string): OpenFile;
  /** Opens a file that exists, for reading and writing. */
  open(path: string): OpenFile;
  openReadOnly(path: string): OpenFile;
  exists(path: string): boolean;
  /** Names in a folder, sorted. */
  list(folder: string): string[];
  /** Makes a folder and those above it, where they are not there; their names are durable. */
  makeFolder(folder: string): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
  /** Removes a folder and all that is in it. */
  removeFolder(folder: string): void;
  /** Makes creations, renames and removals in a folder durable. */
  syncFolder(folder: string): void;
  /** Bytes that may still be written to the disk that holds the folder. */
  freeBytes(folder: string): number;
}

/**
 * Writes all bytes: one write may be cut short without an error (a disk that fills up), and only
 * the next one says why.
 */
export function writeFully(file: OpenFile, bytes: Uint8Array, offset: number): void {
  let written = 0;
  while (written < bytes.length) {
    const count = file.write(written === 0 ? bytes : bytes.subarray(written), offset + written);
    if (count <= 0) throw Object.assign(new Error('write made no progress'), { code: 'EIO' });
    written += count;
  }
}

/** Reads a whole small file. */
export function readWhole(fileSystem: FileSystem, path: string): Buffer {
  const file = fileSystem.openReadOnly(path);
  try {
    const bytes = Buffer.alloc(file.size());
    let filled = 0;
    while (filled < bytes.length) {
      const count = file.read(bytes.subarray(filled), filled);
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  } finally {
    file.close();
  }
}

/**
 * Writes what is to replace a small file, or to create it, durably beside it. The function returned
 * puts it in its place, durably. A crash at any moment leaves the old content or the new, whole.
 */
export function prepareFile(
  fileSystem: FileSystem,
  folder: string,
  name: string,
  bytes: Uint8Array,
  temporaryName = `${name}.tmp`,
): () => void {
  const temporary = `${folder}/${temporaryName}`;
  if (fileSystem.exists(temporary)) fileSystem.remove(temporary);
  const file = fileSystem.create(temporary);
  try {
    writeFully(file, bytes, 0);
    file.sync();
  } finally {
    file.close();
  }
  return () => {
    fileSystem.rename(temporary, `${folder}/${name}`);
    fileSystem.syncFolder(folder);
  };
}
