// The interface to the operating system's files. A simulation can implement it, and so cause
// crashes, full disks and lost writes. Knows no file name and no format.
//
// All calls are synchronous and throw Node's system errors (`code` ENOSPC, EIO ...) unless they
// say otherwise. Callers join paths with '/'.

export interface OpenFile {
  /**
   * Writes at `offset`. May write less than all bytes: the next try then throws the reason.
   *
   * @returns the number of bytes written
   */
  write(bytes: Uint8Array, offset: number): number;
  /**
   * Reads from `offset` into `target`.
   *
   * @returns the number of bytes read; 0 at the end of the file
   */
  read(target: Uint8Array, offset: number): number;
  size(): number;
  truncate(length: number): void;
  /** fdatasync: content and length are on stable storage when it returns. */
  sync(): void;
  /** Syncs without blocking the thread. Rejects with the system error. */
  syncSoon(): Promise<void>;
  close(): void;
}

/** A file that is only read. `size` is Infinity if the length is unknown, as of a pipe. */
export type ReadableFile = Pick<OpenFile, 'read' | 'size' | 'close'>;

export interface FileSystem {
  /** Creates a file. Throws EEXIST if it exists. */
  create(path: string): OpenFile;
  /** Opens an existing file for reading and writing. */
  open(path: string): OpenFile;
  openReadOnly(path: string): ReadableFile;
  exists(path: string): boolean;
  /** Names in a folder, sorted. */
  list(folder: string): string[];
  /** Makes a folder and its missing parents, durably. Does nothing if the folder exists. */
  makeFolder(folder: string): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
  /** Removes a folder and its content. */
  removeFolder(folder: string): void;
  /** Makes creations, renames and removals in a folder durable. */
  syncFolder(folder: string): void;
  /** Bytes that the disk of the folder has free for this process. */
  freeBytes(folder: string): number;
}

/**
 * Writes all bytes. A disk that fills up cuts a write short without an error, and only the next
 * write throws the reason. So one write is not enough.
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

/** Bytes of a file that exists. */
export function sizeOfFile(fileSystem: FileSystem, path: string): number {
  const file = fileSystem.openReadOnly(path);
  try {
    return file.size();
  } finally {
    file.close();
  }
}

/** Creates a file that holds the bytes, durably; its name is not durable yet. */
export function createFile(fileSystem: FileSystem, path: string, bytes: Uint8Array): void {
  const file = fileSystem.create(path);
  try {
    writeFully(file, bytes, 0);
    file.sync();
  } finally {
    file.close();
  }
}

/**
 * Prepares a small file's new content, durably, beside the file. The returned function puts it in
 * place, durably. A crash at any moment leaves the old content or the new, whole.
 */
export function prepareFile(
  fileSystem: FileSystem,
  folder: string,
  name: string,
  bytes: Uint8Array,
  temporaryName: string,
): () => void {
  const temporary = `${folder}/${temporaryName}`;
  if (fileSystem.exists(temporary)) fileSystem.remove(temporary);
  createFile(fileSystem, temporary, bytes);
  return () => {
    fileSystem.rename(temporary, `${folder}/${name}`);
    fileSystem.syncFolder(folder);
  };
}
