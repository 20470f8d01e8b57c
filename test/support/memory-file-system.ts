// A file system in memory that remembers what is on stable storage and what is not, so that a
// power cut can be staged: files keep what was synced and any part of what was not; names are as
// of the last sync of their folder, or newer.
import type { FileSystem, OpenFile } from '../../src/storage/file-system.ts';

/** A number in [0, 1). */
export type Random = () => number;

const sectorBytes = 64;

class MemoryFile {
  content: Buffer;
  synced: Buffer;

  constructor(content: Buffer = Buffer.alloc(0), synced: Buffer = Buffer.alloc(0)) {
    this.content = content;
    this.synced = synced;
  }

  /** What a power cut may leave: the synced bytes, and the unsynced ones in part. */
  afterPowerCut(random: Random): MemoryFile {
    const { content, synced } = this;
    if (content.equals(synced)) return new MemoryFile(content, synced);
    const length = Math.floor(random() * (Math.max(content.length, synced.length) + 1));
    const kept = Math.max(length, Math.min(synced.length, content.length));
    const bytes = Buffer.from(content.subarray(0, kept));
    // What was written over comes back sector by sector, as it was or as it is.
    for (let at = 0; at < Math.min(kept, synced.length); at += sectorBytes) {
      if (random() < 0.5) synced.copy(bytes, at, at, Math.min(at + sectorBytes, kept));
    }
    // A sector that was never written reads as zeros or as what was there.
    if (random() < 0.3 && kept > synced.length) {
      bytes.fill(0, synced.length + Math.floor(random() * (kept - synced.length)));
    }
    return new MemoryFile(bytes, bytes);
  }
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

/** May throw in the place of a call, or return how many bytes a write may take. */
export type Fault = (call: string, path: string, bytes: number) => number | undefined;

export class MemoryFileSystem implements FileSystem {
  fault: Fault = () => undefined;
  /** How many files are open at the moment. */
  openFiles = 0;
  readonly #folders = new Set<string>(['']);
  #names = new Map<string, MemoryFile>();
  #syncedNames = new Map<string, MemoryFile>();

  create(path: string): OpenFile {
    this.fault('create', path, 0);
    if (this.#names.has(path)) throw systemError('EEXIST', path);
    if (!this.#folders.has(folderOf(path))) throw systemError('ENOENT', path);
    const file = new MemoryFile();
    this.#names.set(path, file);
    return this.#opened(file, path);
  }

  open(path: string): OpenFile {
    return this.#opened(this.#file(path), path);
  }

  openReadOnly(path: string): OpenFile {
    return this.open(path);
  }

  exists(path: string): boolean {
    return this.#names.has(path) || this.#folders.has(path);
  }

  list(folder: string): string[] {
    const inside = [...this.#names.keys(), ...this.#folders].filter(
      (path) => path !== '' && folderOf(path) === folder,
    );
    return inside.map((path) => path.slice(folder.length + 1)).toSorted();
  }

  makeFolder(folder: string): void {
    this.fault('makeFolder', folder, 0);
    const parts = folder.split('/');
    for (let depth = 1; depth <= parts.length; depth++) {
      this.#folders.add(parts.slice(0, depth).join('/'));
    }
  }

  rename(from: string, to: string): void {
    this.fault('rename', to, 0);
    this.#names.set(to, this.#file(from));
    this.#names.delete(from);
  }

  remove(path: string): void {
    this.fault('remove', path, 0);
    this.#file(path);
    this.#names.delete(path);
  }

  removeFolder(folder: string): void {
    for (const path of this.#names.keys()) {
      if (path.startsWith(`${folder}/`)) this.remove(path);
    }
    this.fault('removeFolder', folder, 0);
    for (const path of this.#folders) {
      if (path === folder || path.startsWith(`${folder}/`)) this.#folders.delete(path);
    }
  }

  syncFolder(folder: string): void {
    this.fault('syncFolder', folder, 0);
    for (const path of this.#syncedNames.keys()) {
      if (folderOf(path) === folder && !this.#names.has(path)) this.#syncedNames.delete(path);
    }
    for (const [path, file] of this.#names) {
      if (folderOf(path) === folder) this.#syncedNames.set(path, file);
    }
  }

  read(path: string): Buffer {
    return Buffer.from(this.#file(path).content);
  }

  /** Puts a file there as if it had always been: for damage. */
  put(path: string, bytes: Uint8Array): void {
    const file = new MemoryFile(Buffer.from(bytes), Buffer.from(bytes));
    this.#names.set(path, file);
    this.#syncedNames.set(path, file);
  }

  /** All files with their contents, for comparing. */
  contents(): Map<string, string> {
    const paths = [...this.#names.keys()].toSorted();
    return new Map(paths.map((path) => [path, this.read(path).toString('latin1')]));
  }

  /** As it is, on another machine as it were: changing the one does not change the other. */
  copy(): MemoryFileSystem {
    return this.#derive(this.#names, ({ content, synced }) => {
      return new MemoryFile(Buffer.from(content), Buffer.from(synced));
    });
  }

  afterPowerCut(random: Random): MemoryFileSystem {
    const names = new Map<string, MemoryFile>();
    const folders = new Set([...this.#names.keys(), ...this.#syncedNames.keys()].map(folderOf));
    // What was not synced in one folder says nothing about another.
    for (const folder of folders) {
      for (const [path, file] of random() < 0.5 ? this.#syncedNames : this.#names) {
        if (folderOf(path) === folder) names.set(path, file);
      }
    }
    return this.#derive(names, (file) => file.afterPowerCut(random));
  }

  #derive(
    names: ReadonlyMap<string, MemoryFile>,
    derived: (file: MemoryFile) => MemoryFile,
  ): MemoryFileSystem {
    const other = new MemoryFileSystem();
    for (const folder of this.#folders) other.#folders.add(folder);
    other.#names = new Map(Array.from(names, ([path, file]) => [path, derived(file)]));
    other.#syncedNames = new Map(other.#names);
    return other;
  }

  #file(path: string): MemoryFile {
    const file = this.#names.get(path);
    if (file === undefined) throw systemError('ENOENT', path);
    return file;
  }

  #opened(file: MemoryFile, path: string): OpenFile {
    const sync = (): void => {
      this.fault('sync', path, 0);
      file.synced = Buffer.from(file.content);
    };
    this.openFiles += 1;
    return {
      write: (bytes, offset) => {
        const count = this.fault('write', path, bytes.length) ?? bytes.length;
        const size = Math.max(file.content.length, offset + count);
        const content = Buffer.alloc(size);
        content.set(file.content);
        content.set(bytes.subarray(0, count), offset);
        file.content = content;
        return count;
      },
      read: (target, offset) => file.content.copy(target, 0, offset),
      size: () => file.content.length,
      truncate: (length) => {
        this.fault('truncate', path, 0);
        file.content = Buffer.from(file.content.subarray(0, length));
      },
      sync,
      syncSoon: async () => sync(),
      close: () => {
        this.openFiles -= 1;
      },
    };
  }
}
