// A file system in memory that knows which data is on stable storage. So a test can cut the power.
// Files then keep their synced bytes, and any part of the others. Names are those of the last sync
// of their folder, or newer.
import type { FileSystem, OpenFile } from '../../../src/storage/file-system.ts';

/** A number in [0, 1). */
export type Random = () => number;

const sectorBytes = 64;

class MemoryFile {
  content: Buffer;
  synced: Buffer;

  /** Holds `content` and free room after it, once a write has come. Before that, files may share it. */
  #buffer: Buffer = Buffer.alloc(0);

  constructor(content: Buffer = Buffer.alloc(0), synced: Buffer = Buffer.alloc(0)) {
    this.content = content;
    this.synced = synced;
  }

  /** The buffer doubles as needed, so that appends do not copy the file each time. */
  write(bytes: Uint8Array, offset: number): void {
    const length = Math.max(this.content.length, offset + bytes.length);
    if (length > this.#buffer.length) {
      this.#buffer = Buffer.concat([this.content], Math.max(length, 2 * this.#buffer.length));
    } else if (length > this.content.length) {
      this.#buffer.fill(0, this.content.length, length);
    }
    this.#buffer.set(bytes, offset);
    this.content = this.#buffer.subarray(0, length);
  }

  truncate(length: number): void {
    this.content = this.content.subarray(0, length);
  }

  /** The file after a power cut: the synced bytes, and a part of the others. */
  afterPowerCut(random: Random): MemoryFile {
    const { content, synced } = this;
    if (content.equals(synced)) return new MemoryFile(content, synced);
    const length = Math.floor(random() * (Math.max(content.length, synced.length) + 1));
    const kept = Math.max(length, Math.min(synced.length, content.length));
    const bytes = Buffer.from(content.subarray(0, kept));
    // Each overwritten sector is old or new.
    for (let at = 0; at < Math.min(kept, synced.length); at += sectorBytes) {
      if (random() < 0.5) synced.copy(bytes, at, at, Math.min(at + sectorBytes, kept));
    }
    // A sector without a sync may read as zeros.
    if (random() < 0.3 && kept > synced.length) {
      bytes.fill(0, synced.length + Math.floor(random() * (kept - synced.length)));
    }
    return new MemoryFile(bytes, bytes);
  }
}

export function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

/** The calls that change the disk, or make a change durable. Only they can fail. */
export type Call =
  | 'create'
  | 'write'
  | 'truncate'
  | 'sync'
  | 'rename'
  | 'remove'
  | 'makeFolder'
  | 'removeFolder'
  | 'syncFolder';

/** May throw instead of a call, or return how many bytes a write may take. */
export type Fault = (call: Call, path: string, bytes: number) => number | undefined;

export class MemoryFileSystem implements FileSystem {
  /** Only `faults.ts` sets this. */
  fault: Fault = () => undefined;
  /** The size of the disk. A write beyond it is cut short, and the next one throws ENOSPC. */
  capacityBytes = Infinity;
  /** The number of open files. */
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

  freeBytes(): number {
    let used = 0;
    for (const { content } of this.#names.values()) used += content.length;
    return Math.max(0, this.capacityBytes - used);
  }

  read(path: string): Buffer {
    return Buffer.from(this.#file(path).content);
  }

  /** Puts a durable file there, without any call that can fail. Tests damage files with it. */
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

  /** An independent copy, as on another machine. */
  copy(): MemoryFileSystem {
    return this.#derive(this.#names, ({ content, synced }) => {
      return new MemoryFile(Buffer.from(content), Buffer.from(synced));
    });
  }

  afterPowerCut(random: Random): MemoryFileSystem {
    const names = new Map<string, MemoryFile>();
    const folders = new Set([...this.#names.keys(), ...this.#syncedNames.keys()].map(folderOf));
    // The syncs of different folders are independent.
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
    other.capacityBytes = this.capacityBytes;
    for (const folder of this.#folders) other.#folders.add(folder);
    other.#names = new Map(Array.from(names, ([path, file]) => [path, derived(file)]));
    other.#syncedNames = new Map(other.#names);
    return other;
  }

  /** The number of bytes of a write that find room: all or fewer, but at least one. */
  #fitting(file: MemoryFile, path: string, bytes: number, offset: number): number {
    if (this.capacityBytes === Infinity) return bytes;
    const growth = Math.max(0, offset + bytes - file.content.length);
    const lacking = Math.max(0, growth - this.freeBytes());
    if (lacking >= bytes) throw systemError('ENOSPC', path);
    return bytes - lacking;
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
        const asked = this.fault('write', path, bytes.length) ?? bytes.length;
        const count = this.#fitting(file, path, asked, offset);
        file.write(bytes.subarray(0, count), offset);
        return count;
      },
      read: (target, offset) => file.content.copy(target, 0, offset),
      size: () => file.content.length,
      truncate: (length) => {
        this.fault('truncate', path, 0);
        file.truncate(length);
      },
      sync,
      syncSoon: async () => sync(),
      close: () => {
        this.openFiles -= 1;
      },
    };
  }
}
