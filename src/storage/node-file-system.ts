// The real file system, through Node's synchronous calls. Knows no file by its name.
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import type { FileSystem, OpenFile } from './file-system.ts';

class NodeOpenFile implements OpenFile {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(bytes: Uint8Array, offset: number): number {
    return fs.writeSync(this.#fd, bytes, 0, bytes.length, offset);
  }

  read(target: Uint8Array, offset: number): number {
    return fs.readSync(this.#fd, target, 0, target.length, offset);
  }

  size(): number {
    return fs.fstatSync(this.#fd).size;
  }

  truncate(length: number): void {
    fs.ftruncateSync(this.#fd, length);
  }

  sync(): void {
    fs.fdatasyncSync(this.#fd);
  }

  syncSoon(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#fd, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  close(): void {
    fs.closeSync(this.#fd);
  }
}

/**
 * Makes a folder and its parents, durably. Goes step by step: Node's `recursive` never returns if a
 * file system takes no folders at all (/proc).
 */
function makeFolder(folder: string): void {
  if (fs.existsSync(folder)) return;
  const parent = dirname(folder);
  if (parent !== folder) makeFolder(parent);
  fs.mkdirSync(folder);
  syncFolder(parent);
}

function syncFolder(folder: string): void {
  const fd = fs.openSync(folder, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** @returns undefined if nothing is there, or if it cannot be looked at */
export function isFolder(path: string): boolean | undefined {
  return fs.existsSync(path) ? fs.statSync(path).isDirectory() : undefined;
}

export const nodeFileSystem: FileSystem = {
  create: (path) => new NodeOpenFile(fs.openSync(path, 'wx+')),
  open: (path) => new NodeOpenFile(fs.openSync(path, 'r+')),
  openReadOnly: (path) => new NodeOpenFile(fs.openSync(path, 'r')),
  exists: (path) => fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined,
  list: (folder) => fs.readdirSync(folder).toSorted(),
  makeFolder,
  rename: (from, to) => fs.renameSync(from, to),
  remove: (path) => fs.unlinkSync(path),
  removeFolder: (folder) => fs.rmSync(folder, { recursive: true }),
  syncFolder,
  freeBytes: (folder) => {
    const { bavail, bsize } = fs.statfsSync(folder);
    return bavail * bsize;
  },
};
