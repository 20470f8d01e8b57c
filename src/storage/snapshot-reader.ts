// Reads a snapshot block by block and proves it on the way: every line's checksum, the chain, the
// fixed text between, the order of entries, the counts of the footer, and that nothing follows it.
import { byteStringOfText } from '../base/byte-string.ts';
import { damaged, unreadable, type Place } from './damage.ts';
import type { OpenFile } from './file-system.ts';
import { readLines, type Line } from './line-reader.ts';
import { noChecksum, openLine, parseLine } from './sealed-line.ts';
import {
  blockSeparator,
  decodeSnapshotBlock,
  decodeSnapshotFooter,
  decodeSnapshotHeader,
  footerClosing,
  footerOpening,
  headerClosing,
  headerOpening,
  type SnapshotBlock,
  type SnapshotFooter,
  type SnapshotHeader,
} from './snapshot-format.ts';

/** What names a snapshot in current.json. */
export interface SnapshotClaim {
  readonly bytes: number;
  readonly crc: string;
}

export class SnapshotReader {
  readonly #file: OpenFile;
  readonly #name: string;
  readonly #expected: SnapshotHeader;
  readonly #claim: SnapshotClaim;
  #crc = noChecksum;
  #line: Line | undefined;
  #entries = 0;
  #blocks = 0;
  #lastNamespace = '';
  #lastKey = '';
  #footer: SnapshotFooter | undefined;

  /** @param name for errors, relative to the data folder */
  constructor(file: OpenFile, name: string, expected: SnapshotHeader, claim: SnapshotClaim) {
    this.#file = file;
    this.#name = name;
    this.#expected = expected;
    this.#claim = claim;
  }

  /**
   * All blocks in order.
   *
   * @throws StoreError STORE_DAMAGED at the first byte that is not what it must be
   */
  *blocks(): Generator<SnapshotBlock, void, void> {
    let mayEnd = true;
    for (const line of readLines(this.#file)) {
      this.#line = line;
      if (!line.complete) throw this.#damage('the line has no end');
      if (this.#footer !== undefined) throw this.#damage('something follows the footer');
      if (line.number === 1) {
        this.#takeHeader(line.bytes);
      } else if (this.#startsWith(line.bytes, footerOpening)) {
        if (!mayEnd) throw this.#damage('a block is missing');
        this.#takeFooter(line.bytes);
      } else {
        if (mayEnd && this.#blocks > 0) throw this.#damage('the footer is missing');
        mayEnd = !line.bytes.toString('latin1', line.bytes.length - 1).endsWith(blockSeparator);
        yield this.#takeBlock(mayEnd ? line.bytes : line.bytes.subarray(0, -1));
      }
    }
    if (this.#footer === undefined) throw this.#damage('the end of the file is missing');
    if (this.#crc !== this.#claim.crc || this.#file.size() !== this.#claim.bytes) {
      throw this.#damage('it is not the file that current.json names');
    }
  }

  /** Only after all blocks were read. */
  get footer(): SnapshotFooter {
    if (this.#footer === undefined) throw this.#damage('the end of the file is missing');
    return this.#footer;
  }

  #takeHeader(bytes: Buffer): void {
    const parsed = this.#open(this.#between(bytes, headerOpening, headerClosing));
    const header = decodeSnapshotHeader(parsed);
    if (header === undefined) throw unreadable(this.#place(), 'the header is of an unknown kind');
    const { store, shard, generation } = this.#expected;
    if (header.store !== store || header.shard !== shard || header.generation !== generation) {
      throw this.#damage(
        `it belongs to shard ${header.shard}, generation ${header.generation} of store ${header.store}`,
      );
    }
  }

  #takeBlock(bytes: Buffer): SnapshotBlock {
    const block = decodeSnapshotBlock(this.#open(bytes));
    if (block === undefined) throw unreadable(this.#place(), 'a block is of an unknown kind');
    this.#checkOrder(block);
    this.#blocks += 1;
    this.#entries += block.entries.length;
    return block;
  }

  #checkOrder(block: SnapshotBlock): void {
    if (block.namespace !== this.#lastNamespace) {
      if (block.namespace < this.#lastNamespace) throw this.#damage('blocks are out of order');
      this.#lastNamespace = block.namespace;
      this.#lastKey = '';
    }
    for (const entry of block.entries) {
      const key = byteStringOfText(entry.key);
      if (key <= this.#lastKey) throw this.#damage('entries are out of order');
      this.#lastKey = key;
    }
  }

  #takeFooter(bytes: Buffer): void {
    const footer = decodeSnapshotFooter(
      this.#open(this.#between(bytes, footerOpening, footerClosing)),
    );
    if (footer === undefined) throw unreadable(this.#place(), 'the footer is of an unknown kind');
    if (footer.entries !== this.#entries || footer.blocks !== this.#blocks) {
      throw this.#damage(`the footer counts ${footer.entries} entries, ${this.#entries} are there`);
    }
    this.#footer = footer;
  }

  #open(bytes: Buffer): unknown {
    const opened = openLine(bytes);
    if (opened === undefined) throw this.#damage('the line does not match its checksum');
    if (opened.previous !== this.#crc)
      throw this.#damage('the line does not follow the one before');
    this.#crc = opened.checksum;
    return parseLine(bytes);
  }

  #startsWith(bytes: Buffer, text: string): boolean {
    return bytes.toString('latin1', 0, text.length) === text;
  }

  #between(bytes: Buffer, opening: string, closing: string): Buffer {
    const end = bytes.length - closing.length;
    if (!this.#startsWith(bytes, opening) || bytes.toString('latin1', end) !== closing) {
      throw this.#damage('the line is not what it must be');
    }
    return bytes.subarray(opening.length, end);
  }

  #place(): Place {
    return { file: this.#name, line: this.#line?.number, offset: this.#line?.offset };
  }

  #damage(what: string): Error {
    return damaged(this.#place(), what);
  }
}
