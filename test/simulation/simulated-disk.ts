// A whole disk: files by name, the durable state of both, and the free space. A power cut leaves
// the names of a folder as they were at some moment since its last sync.
import type { FileSystem, OpenFile } from '../../src/storage/file-system.ts';
import { systemError } from '../support/disk/memory-file-system.ts';
import { randomBelow, type Random } from '../support/random.ts';
import { DiskFile, type SyncUnderWay } from './disk-file.ts';

export type DiskCall =
  | 'create'
  | 'open'
  | 'read'
  | 'write'
  | 'truncate'
  | 'sync'
  | 'rename'
  | 'remove'
  | 'syncFolder'
  | 'makeFolder';

/**
 * Called before each call takes effect. May throw instead.
 *
 * @returns for a write: the number of bytes that it takes before a call of `after`, which may throw
 */
export type BeforeCall = (
  call: DiskCall,
  path: string,
  bytes: number,
) => { bytes: number; after: () => void } | undefined;

/** A sync in parallel to its thread. The simulation decides when it ends. */
export interface PendingSync {
  readonly finish: () => void;
}

interface Folder {
  readonly names: Map<string, DiskFile>;
  /** The durable names, and the changes since, in order. */
  readonly durable: Map<string, DiskFile>;
  changes: ((names: Map<string, DiskFile>) => void)[];
}

function split(path: string): [folder: string, name: string] {
  const at = path.lastIndexOf('/');
  return [path.slice(0, at), path.slice(at + 1)];
}

export class SimulatedDisk {
  capacityBytes = Infinity;
  readonly #random: Random;
  readonly #folders = new Map<string, Folder>();

  constructor(random: Random) {
    this.#random = random;
    this.makeFolder('');
  }

  get usedBytes(): number {
    let used = 0;
    for (const { names } of this.#folders.values()) {
      for (const { length } of names.values()) used += length;
    }
    return used;
  }

  get freeBytes(): number {
    return Math.max(0, this.capacityBytes - this.usedBytes);
  }

  /** The disk as one thread sees it. */
  view(before: BeforeCall, onPendingSync: (sync: PendingSync) => void): DiskView {
    return new DiskView(this, before, onPendingSync);
  }

  powerCut(): void {
    for (const folder of this.#folders.values()) {
      const names = new Map(folder.durable);
      const kept = randomBelow(this.#random, folder.changes.length + 1);
      for (const change of folder.changes.slice(0, kept)) change(names);
      folder.names.clear();
      folder.durable.clear();
      folder.changes = [];
      for (const [name, file] of names) {
        const after = file.afterPowerCut(this.#random);
        folder.names.set(name, after);
        folder.durable.set(name, after);
      }
    }
  }

  failSync(file: DiskFile): void {
    file.failSync(this.#random);
  }

  makeFolder(path: string): void {
    if (this.#folders.has(path)) return;
    if (path !== '') this.makeFolder(split(path)[0]);
    this.#folders.set(path, { names: new Map(), durable: new Map(), changes: [] });
  }

  exists(path: string): boolean {
    const [folder, name] = split(path);
    return this.#folders.has(path) || this.#folders.get(folder)?.names.has(name) === true;
  }

  list(path: string): string[] {
    const folders = [...this.#folders.keys()]
      .filter((each) => each !== '' && split(each)[0] === path)
      .map((each) => split(each)[1]);
    return [...this.#folder(path).names.keys(), ...folders].toSorted();
  }

  create(path: string): DiskFile {
    const [folder, name] = split(path);
    if (this.#folder(folder).names.has(name)) throw systemError('EEXIST', path);
    const file = new DiskFile();
    this.#change(folder, (names) => names.set(name, file));
    return file;
  }

  file(path: string): DiskFile {
    const [folder, name] = split(path);
    const file = this.#folders.get(folder)?.names.get(name);
    if (file === undefined) throw systemError('ENOENT', path);
    return file;
  }

  rename(from: string, to: string): void {
    const file = this.file(from);
    const [folder, name] = split(from);
    const [otherFolder, otherName] = split(to);
    if (folder !== otherFolder) throw systemError('EXDEV', to);
    this.#change(folder, (names) => {
      names.delete(name);
      names.set(otherName, file);
    });
  }

  remove(path: string): void {
    this.file(path);
    const [folder, name] = split(path);
    this.#change(folder, (names) => names.delete(name));
  }

  removeFolder(path: string): void {
    for (const each of this.#folders.keys()) {
      if (each === path || each.startsWith(`${path}/`)) this.#folders.delete(each);
    }
  }

  syncFolder(path: string): void {
    const folder = this.#folder(path);
    folder.durable.clear();
    for (const [name, file] of folder.names) folder.durable.set(name, file);
    folder.changes = [];
  }

  /** The number of bytes of a write that find room: all or fewer, but at least one. */
  fitting(file: DiskFile, path: string, bytes: number, offset: number): number {
    if (this.capacityBytes === Infinity) return bytes;
    const growth = Math.max(0, offset + bytes - file.length);
    const lacking = Math.max(0, growth - this.freeBytes);
    if (lacking >= bytes) throw systemError('ENOSPC', path);
    return bytes - lacking;
  }

  #folder(path: string): Folder {
    const folder = this.#folders.get(path);
    if (folder === undefined) throw systemError('ENOENT', path);
    return folder;
  }

  #change(path: string, change: (names: Map<string, DiskFile>) => void): void {
    const folder = this.#folder(path);
    change(folder.names);
    folder.changes.push(change);
  }
}

/** One thread's calls to the disk, and its open files. */
export class DiskView implements FileSystem {
  openFiles = 0;
  readonly #disk: SimulatedDisk;
  readonly #before: BeforeCall;
  readonly #onPendingSync: (sync: PendingSync) => void;

  constructor(disk: SimulatedDisk, before: BeforeCall, onPendingSync: (sync: PendingSync) => void) {
    this.#disk = disk;
    this.#before = before;
    this.#onPendingSync = onPendingSync;
  }

  create(path: string): OpenFile {
    this.#before('create', path, 0);
    return this.#opened(this.#disk.create(path), path);
  }

  open(path: string): OpenFile {
    this.#before('open', path, 0);
    return this.#opened(this.#disk.file(path), path);
  }

  openReadOnly(path: string): OpenFile {
    return this.open(path);
  }

  exists(path: string): boolean {
    return this.#disk.exists(path);
  }

  list(folder: string): string[] {
    return this.#disk.list(folder);
  }

  makeFolder(folder: string): void {
    this.#before('makeFolder', folder, 0);
    this.#disk.makeFolder(folder);
  }

  rename(from: string, to: string): void {
    this.#before('rename', to, 0);
    this.#disk.rename(from, to);
  }

  remove(path: string): void {
    this.#before('remove', path, 0);
    this.#disk.remove(path);
  }

  removeFolder(folder: string): void {
    this.#before('remove', folder, 0);
    this.#disk.removeFolder(folder);
  }

  syncFolder(folder: string): void {
    this.#before('syncFolder', folder, 0);
    this.#disk.syncFolder(folder);
  }

  freeBytes(): number {
    return this.#disk.freeBytes;
  }

  #opened(file: DiskFile, path: string): OpenFile {
    const disk = this.#disk;
    let isOpen = true;
    this.openFiles += 1;
    const before: BeforeCall = (call, name, bytes) => {
      if (!isOpen) throw systemError('EBADF', name);
      return this.#before(call, name, bytes);
    };
    /** After a failed sync the system takes the bytes for written. */
    const orFail = (sync: SyncUnderWay | undefined): void => {
      try {
        before('sync', path, 0);
      } catch (error) {
        if (error instanceof Error && 'code' in error) disk.failSync(file);
        throw error;
      }
      if (sync === undefined) file.sync();
      else file.finishSync(sync);
    };
    return {
      write: (bytes, offset) => {
        const cut = before('write', path, bytes.length);
        const asked = cut?.bytes ?? bytes.length;
        const count = disk.fitting(file, path, asked, offset);
        file.write(bytes.subarray(0, count), offset);
        cut?.after();
        return count;
      },
      read: (target, offset) => {
        before('read', path, target.length);
        return file.read(target, offset);
      },
      size: () => file.length,
      truncate: (length) => {
        before('truncate', path, 0);
        file.truncate(length);
      },
      sync: () => orFail(undefined),
      syncSoon: () => {
        const sync = file.beginSync();
        return new Promise((resolve, reject) => {
          const finish = (): void => {
            try {
              orFail(sync);
              resolve();
            } catch (error) {
              reject(error);
            }
          };
          this.#onPendingSync({ finish });
        });
      },
      close: () => {
        if (!isOpen) throw systemError('EBADF', path);
        isOpen = false;
        this.openFiles -= 1;
      },
    };
  }
}
