// Keeps files open, so that a backup can read them to their end after the shard has removed them.
// Knows no file name and no format.
import type { FileSystem, ReadableFile } from '../../storage/file-system.ts';

export class HeldFiles implements Pick<FileSystem, 'openReadOnly'> {
  readonly #fileSystem: FileSystem;
  readonly #held = new Map<string, ReadableFile>();

  constructor(fileSystem: FileSystem) {
    this.#fileSystem = fileSystem;
  }

  hold(path: string): void {
    this.#held.set(path, this.#fileSystem.openReadOnly(path));
  }

  /** Opens a held file. Closing the returned file does not close the held one. */
  openReadOnly(path: string): ReadableFile {
    const file = this.#held.get(path);
    if (file === undefined) throw new Error(`${path} is not held`);
    return {
      read: (target, offset) => file.read(target, offset),
      size: () => file.size(),
      close: () => undefined,
    };
  }

  close(): void {
    for (const file of this.#held.values()) file.close();
    this.#held.clear();
  }
}
