// Reads a snapshot block by block. Verifies the fixed text, every line's checksum, the chain, and the
// order of entries. Verifies the counts of the footer, and that nothing follows it. Knows no table.
import type { ShardIdentity } from '../base/shard-location.ts';
import { decodeBlock, type EntryBlock } from './block-format.ts';
import { BlockOrder } from './block-order.ts';
import type { SnapshotReference } from './current.ts';
import { damaged, unreadable, type FilePosition } from './damage.ts';
import type { ReadableFile } from './file-system.ts';
import { readLines, type Line } from './line-reader.ts';
import type { ParseLine } from './large-values.ts';
import { ChainReader } from './sealed-chain.ts';
import {
  blockSeparator,
  decodeSnapshotFooter,
  decodeSnapshotHeader,
  footerClosing,
  footerOpening,
  headerClosing,
  headerOpening,
  innerOfLine,
  type SnapshotFooter,
} from './snapshot-format.ts';

export class SnapshotReader {
  readonly #file: ReadableFile;
  readonly #name: string;
  readonly #identity: ShardIdentity;
  readonly #reference: SnapshotReference;
  readonly #chain: ChainReader;
  readonly #order = new BlockOrder();
  #line: Line | undefined;
  #footer: SnapshotFooter | undefined;

  /**
   * @param name for errors, relative to the data folder
   * @param reference as current.json names the snapshot
   * @param parse reads the lines; undefined: `parseLine`
   */
  constructor(
    file: ReadableFile,
    name: string,
    identity: ShardIdentity,
    reference: SnapshotReference,
    parse?: ParseLine,
  ) {
    this.#chain = new ChainReader((what) => this.#damage(what), parse);
    this.#file = file;
    this.#name = name;
    this.#identity = identity;
    this.#reference = reference;
  }

  /**
   * Reads the whole file, and keeps nothing.
   *
   * @throws StoreError STORE_DAMAGED at the first byte that is not valid
   */
  prove(): void {
    const blocks = this.blocks();
    while (blocks.next().done !== true);
  }

  /**
   * All blocks in order.
   *
   * @throws StoreError STORE_DAMAGED at the first byte that is not valid
   */
  *blocks(): Generator<EntryBlock, void, void> {
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
        if (mayEnd && this.#order.blocks > 0) throw this.#damage('the footer is missing');
        mayEnd = !line.bytes.toString('latin1', line.bytes.length - 1).endsWith(blockSeparator);
        yield this.#takeBlock(mayEnd ? line.bytes : line.bytes.subarray(0, -1));
      }
    }
    if (this.#footer === undefined) throw this.#damage('the end of the file is missing');
    if (this.#chain.crc !== this.#reference.crc || this.#file.size() !== this.#reference.bytes) {
      throw this.#damage('it is not the file that current.json names');
    }
  }

  /** Available after the caller has read all blocks. */
  get footer(): SnapshotFooter {
    if (this.#footer === undefined) throw this.#damage('the end of the file is missing');
    return this.#footer;
  }

  #takeHeader(bytes: Buffer): void {
    const parsed = this.#chain.open(this.#between(bytes, headerOpening, headerClosing));
    const header = decodeSnapshotHeader(parsed);
    if (header === undefined)
      throw unreadable(this.#position(), 'the header is of an unknown kind');
    const { store, shard } = this.#identity;
    const { generation } = this.#reference;
    if (header.store !== store || header.shard !== shard || header.generation !== generation) {
      throw this.#damage(
        `it belongs to shard ${header.shard}, generation ${header.generation} of store ${header.store}`,
      );
    }
  }

  #takeBlock(bytes: Buffer): EntryBlock {
    const block = decodeBlock(this.#chain.open(bytes));
    if (block === undefined) throw unreadable(this.#position(), 'a block is of an unknown kind');
    const misfit = this.#order.misfitOf(block);
    if (misfit !== undefined) throw this.#damage(misfit);
    return block;
  }

  #takeFooter(bytes: Buffer): void {
    const footer = decodeSnapshotFooter(
      this.#chain.open(this.#between(bytes, footerOpening, footerClosing)),
    );
    if (footer === undefined)
      throw unreadable(this.#position(), 'the footer is of an unknown kind');
    const { entries, blocks } = this.#order;
    if (footer.entries !== entries || footer.blocks !== blocks) {
      throw this.#damage(`the footer counts ${footer.entries} entries, ${entries} are there`);
    }
    this.#footer = footer;
  }

  #startsWith(bytes: Buffer, text: string): boolean {
    return bytes.toString('latin1', 0, text.length) === text;
  }

  #between(bytes: Buffer, opening: string, closing: string): Buffer {
    const inner = innerOfLine(bytes, opening, closing);
    if (inner === undefined) throw this.#damage('the line is not what it must be');
    return inner;
  }

  #position(): FilePosition {
    return { file: this.#name, line: this.#line?.number, offset: this.#line?.offset };
  }

  #damage(what: string): Error {
    return damaged(this.#position(), what);
  }
}
