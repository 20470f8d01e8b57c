// Files that are opened now and read later: they can be read to their end though they are removed
// meanwhile.
import type { FileSystem, OpenFile } from '../storage/file-system.ts';

export class HeldFiles implements Pick<FileSystem, 'openReadOnly'> {
  readonly #fileSystem: FileSystem;
  readonly #held = new Map<string, OpenFile>();

  constructor(fileSystem: FileSystem) {
    this.#fileSystem = fileSystem;
  }

  hold(path: string): void {
    this.#held.set(path, this.#fileSystem.openReadOnly(path));
  }

  /** One that is held; closing it leaves it held. */
  openReadOnly(path: string): OpenFile {
    const file = this.#held.get(path);
    if (file === undefined) throw new Error(`${path} is not held`);
    return {
      write: (bytes, offset) => file.write(bytes, offset),
      read: (target, offset) => file.read(target, offset),
      size: () => file.size(),
      truncate: (length) => file.truncate(length),
      sync: () => file.sync(),
      syncSoon: () => file.syncSoon(),
      close: () => undefined,
    };
  }

  close(): void {
    for (const file of this.#held.values()) file.close();
    this.#held.clear();
  }
}
