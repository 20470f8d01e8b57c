// Reads a backup block by block. Verifies every line's checksum, the chain, and the order and versions
// of entries. Verifies the counts of the footer, and that nothing follows it. Knows no shard.
import {
  backupOpening,
  decodeBackupFooter,
  decodeBackupHeader,
  type BackupHeader,
} from './backup-format.ts';
import { decodeBlock, type EntryBlock } from './block-format.ts';
import { BlockOrder } from './block-order.ts';
import { damagedBackup, unreadable, type FilePosition } from './damage.ts';
import type { ReadableFile } from './file-system.ts';
import { readLines, type Line } from './line-reader.ts';
import { ChainReader } from './sealed-chain.ts';

export class BackupReader {
  /** True once the reader has verified the footer. */
  isWhole = false;
  readonly header: BackupHeader;
  readonly #name: string;
  readonly #lines: Generator<Line, void, void>;
  readonly #chain = new ChainReader((what) => this.#damage(what));
  readonly #order = new BlockOrder();
  #position: FilePosition;
  /** Start of the line after `#position`. */
  #next: FilePosition;

  /**
   * Reads the header.
   *
   * @param name for errors
   * @throws StoreError STORE_DAMAGED if the header does not match its checksum; STORE_MISMATCH if
   *   another version wrote it
   */
  constructor(file: ReadableFile, name: string) {
    this.#name = name;
    this.#position = { file: name, line: 1, offset: 0 };
    this.#next = this.#position;
    this.#lines = readLines(file);
    // A file of another kind may have no newline, and reading its first line would fill the memory.
    const opening = Buffer.alloc(backupOpening.length);
    // A pipe brings nothing if the program in front of it has failed.
    if (file.read(opening, 0) === 0) throw this.#damage('it is empty');
    if (opening.toString('latin1') !== backupOpening) {
      throw this.#damage('it does not begin as a backup does');
    }
    const parsed = this.#nextLine();
    const header = parsed === undefined ? undefined : decodeBackupHeader(parsed);
    if (header === undefined) throw unreadable(this.#position, 'the header is of an unknown kind');
    this.header = header;
  }

  /** Number of entries read so far. */
  get entries(): number {
    return this.#order.entries;
  }

  /**
   * All blocks in order.
   *
   * @throws StoreError STORE_DAMAGED at the first line that is not valid
   */
  *blocks(): Generator<EntryBlock, void, void> {
    for (let parsed = this.#nextLine(); parsed !== undefined; parsed = this.#nextLine()) {
      if (this.isWhole) throw this.#damage('something follows the footer');
      const footer = decodeBackupFooter(parsed);
      if (footer === undefined) {
        yield this.#takeBlock(parsed);
        continue;
      }
      const { entries, blocks } = this.#order;
      if (footer.entries !== entries || footer.blocks !== blocks) {
        throw this.#damage(`the footer counts ${footer.entries} entries, ${entries} are there`);
      }
      this.isWhole = true;
    }
    if (!this.isWhole) throw this.#damage('the end of the backup is missing');
  }

  #takeBlock(parsed: unknown): EntryBlock {
    const block = decodeBlock(parsed);
    if (block === undefined) throw unreadable(this.#position, 'a line is of an unknown kind');
    const { namespace: only = block.namespace } = this.header;
    if (block.namespace !== only) throw this.#damage('a block of another namespace is there');
    const misfit = this.#order.misfitOf(block);
    if (misfit !== undefined) throw this.#damage(misfit);
    const isGiven = ({ version }: { version: number }): boolean =>
      version > 0 && version < this.header.seq;
    if (!block.entries.every(isGiven)) throw this.#damage('an entry has a version never given');
    return block;
  }

  /** @returns undefined at the end of the file */
  #nextLine(): unknown {
    const next = this.#lines.next();
    if (next.done) {
      this.#position = this.#next;
      return undefined;
    }
    const { bytes, offset, number, complete } = next.value;
    this.#position = { file: this.#name, line: number, offset };
    if (!complete) throw this.#damage('the line has no end');
    const parsed = this.#chain.open(bytes);
    if (typeof parsed !== 'object' || parsed === null) throw this.#damage('the line is no object');
    this.#next = { file: this.#name, line: number + 1, offset: offset + bytes.length + 1 };
    return parsed;
  }

  #damage(what: string): Error {
    return damagedBackup(this.#position, what);
  }
}
