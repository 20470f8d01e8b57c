// The reserve: a file of meaningless bytes that keeps space on the disk. A shard on a full disk
// gives the space up piece by piece, for deletes and for the compaction after them. The file is no
// data: it may be missing, short, or hold any bytes. Does not decide what may spend it.
import { randomFillSync } from 'node:crypto';
import { isDiskFull } from '../base/errors.ts';
import { reserveName } from './file-names.ts';
import { writeFully, type FileSystem, type OpenFile } from './file-system.ts';

/** Bytes of a disk block, the unit in which file systems allocate space. */
const blockBytes = 4096;
const pieceBytes = 64 * 1024;

export class Reserve {
  readonly #fileSystem: FileSystem;
  readonly #path: string;
  #bytes: number;
  #wantedBytes: number;

  /** Uses the file of an earlier run, at its length. Creates none. */
  constructor(fileSystem: FileSystem, folder: string, wantedBytes: number) {
    this.#fileSystem = fileSystem;
    this.#path = `${folder}/${reserveName}`;
    this.#wantedBytes = wantedBytes;
    this.#bytes = this.#withFile((file) => file.size()) ?? 0;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isShort(): boolean {
    return this.#bytes < this.#wantedBytes;
  }

  /** Sets the wanted size in bytes. A larger file keeps its length. */
  want(bytes: number): void {
    this.#wantedBytes = bytes;
  }

  /**
   * Fills the file up to the wanted size, durably.
   *
   * @returns false if the disk has no room for all of it; the file then keeps its old length
   */
  replenish(): boolean {
    if (!this.isShort) return true;
    try {
      if (!this.#fileSystem.exists(this.#path)) this.#fileSystem.create(this.#path).close();
      this.#withFile((file) => this.#fill(file));
      return true;
    } catch (error) {
      if (isDiskFull(error)) return false;
      throw error;
    }
  }

  /**
   * Gives up at least `bytes` of space, or all there is.
   *
   * @returns false if the reserve is empty
   */
  release(bytes: number): boolean {
    if (this.#bytes === 0) return false;
    // One block more, as the write may begin inside a block, and one for the file system's own records.
    const given = (Math.ceil(bytes / blockBytes) + 2) * blockBytes;
    const left = Math.max(0, this.#bytes - given);
    this.#withFile((file) => file.truncate(left));
    this.#bytes = left;
    return true;
  }

  /** Random bytes, because a compressing file system would allocate next to nothing for blanks. */
  #fill(file: OpenFile): void {
    const from = this.#bytes;
    try {
      for (let at = from; at < this.#wantedBytes; at += pieceBytes) {
        const piece = randomFillSync(Buffer.alloc(Math.min(pieceBytes, this.#wantedBytes - at)));
        writeFully(file, piece, at);
      }
      file.sync();
      this.#bytes = this.#wantedBytes;
    } catch (error) {
      file.truncate(from);
      throw error;
    }
  }

  #withFile<T>(work: (file: OpenFile) => T): T | undefined {
    if (!this.#fileSystem.exists(this.#path)) return undefined;
    const file = this.#fileSystem.open(this.#path);
    try {
      return work(file);
    } finally {
      file.close();
    }
  }
}
