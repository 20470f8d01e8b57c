// Writes a snapshot in one pass, from entries in (namespace, key) order. Memory: one block and one
// piece of output. The file is whole and durable when `finish` returns. The caller puts its name
// into current.json. Knows no table.
import { assert } from '../base/assert.ts';
import { encodeBlock } from './block-format.ts';
import { BlockPacker } from './block-packer.ts';
import type { SnapshotReference } from './current.ts';
import { writeFully, type OpenFile } from './file-system.ts';
import { ChainWriter } from './sealed-chain.ts';
import {
  blockSeparator,
  encodeSnapshotFooter,
  encodeSnapshotHeader,
  footerClosing,
  footerOpening,
  headerClosing,
  headerOpening,
  type NamespaceRange,
  type SnapshotHeader,
} from './snapshot-format.ts';

const pieceBytes = 1024 * 1024;

export class SnapshotWriter {
  readonly #file: OpenFile;
  readonly #generation: number;
  #offset = 0;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  readonly #chain = new ChainWriter();
  readonly #blocks = new BlockPacker((namespace, entries) => this.#writeBlock(namespace, entries));
  readonly #namespaces: NamespaceRange[] = [];

  constructor(file: OpenFile, header: SnapshotHeader) {
    this.#file = file;
    this.#generation = header.generation;
    this.#line(headerOpening, encodeSnapshotHeader(header), headerClosing);
  }

  /** @param entry encoded (record.ts) */
  add(namespace: string, entry: string): void {
    this.#blocks.add(namespace, entry);
  }

  finish(seq: number, at: number): SnapshotReference {
    this.#blocks.end();
    const { entries, blocks } = this.#blocks;
    if (blocks > 0) this.#text('\n');
    this.#line(
      footerOpening,
      encodeSnapshotFooter({ entries, blocks, seq, at, namespaces: this.#namespaces }),
      footerClosing,
    );
    this.#writeOut();
    this.#file.sync();
    assert(this.#file.size() === this.#offset, 'a snapshot is as long as what was written');
    return { generation: this.#generation, bytes: this.#offset, entries, crc: this.#chain.crc };
  }

  #writeBlock(namespace: string, entries: readonly string[]): void {
    if (this.#blocks.blocks > 0) this.#text(`${blockSeparator}\n`);
    this.#noteRange(namespace, entries.length);
    this.#push(this.#chain.seal(encodeBlock(namespace, entries)));
    if (this.#pendingBytes >= pieceBytes) this.#writeOut();
  }

  /** Counts the block that the writer is about to write at the current end. */
  #noteRange(namespace: string, count: number): void {
    const before = this.#namespaces.at(-1);
    if (before?.namespace === namespace) {
      const entries = before.entries + count;
      this.#namespaces[this.#namespaces.length - 1] = { ...before, entries };
    } else {
      const offset = this.#offset + this.#pendingBytes;
      this.#namespaces.push({ namespace, entries: count, offset });
    }
  }

  #line(opening: string, object: string, closing: string): void {
    this.#text(opening);
    this.#push(this.#chain.seal(object));
    this.#text(`${closing}\n`);
  }

  #text(text: string): void {
    this.#push(Buffer.from(text));
  }

  #push(bytes: Buffer): void {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
  }

  #writeOut(): void {
    writeFully(this.#file, Buffer.concat(this.#pending), this.#offset);
    this.#offset += this.#pendingBytes;
    this.#pending = [];
    this.#pendingBytes = 0;
  }
}
