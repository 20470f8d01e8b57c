// The reserve: a file of meaningless bytes that keeps space on the disk. On a full disk the shard
// gives it up piece by piece, for deletes and for the compaction after them. The file is not part
// of the data: it may be missing, short, or hold any bytes.
import { randomFillSync } from 'node:crypto';
import { isDiskFull } from '../base/errors.ts';
import { reserveName } from './file-names.ts';
import { writeFully, type FileSystem, type OpenFile } from './file-system.ts';

/** Blocks are what a disk gives and takes back. */
const blockBytes = 4096;
const pieceBytes = 64 * 1024;

export class Reserve {
  readonly #fileSystem: FileSystem;
  readonly #path: string;
  #bytes: number;
  #wantedBytes: number;

  /** Takes over what is there; makes nothing yet. */
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

  /** How much it should hold from now on. What is there already stays. */
  want(bytes: number): void {
    this.#wantedBytes = bytes;
  }

  /** False where the disk has no room for all that is wanted; then it takes none of it. */
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

  /** Gives up at least so many bytes, or all there are; false where there is nothing to give. */
  release(bytes: number): boolean {
    if (this.#bytes === 0) return false;
    // A block for what is asked may begin anywhere, and the file system needs some for itself.
    const given = (Math.ceil(bytes / blockBytes) + 2) * blockBytes;
    const left = Math.max(0, this.#bytes - given);
    this.#withFile((file) => file.truncate(left));
    this.#bytes = left;
    return true;
  }

  /** Random bytes: blanks take no room where a file system compresses. */
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
