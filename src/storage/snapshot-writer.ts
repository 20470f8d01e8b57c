// Writes a snapshot in one pass, entries given in (namespace, key) order. Memory: one block and
// one piece of output. The file is whole and durable when `finish` returns; naming it is the
// caller's part.
import { assert } from '../base/assert.ts';
import { writeFully, type OpenFile } from './file-system.ts';
import { noChecksum, sealLine } from './sealed-line.ts';
import {
  blockSeparator,
  encodeSnapshotBlock,
  encodeSnapshotFooter,
  encodeSnapshotHeader,
  footerClosing,
  footerOpening,
  headerClosing,
  headerOpening,
  type NamespaceRange,
  type SnapshotHeader,
} from './snapshot-format.ts';

/** Characters of entries in a block: a bad byte costs no more than this to a salvage. */
const blockCharacters = 64 * 1024;
const pieceBytes = 1024 * 1024;

export interface WrittenSnapshot {
  readonly bytes: number;
  readonly entries: number;
  /** Checksum of the footer, which vouches for all lines before it. */
  readonly crc: string;
}

export class SnapshotWriter {
  readonly #file: OpenFile;
  #offset = 0;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #crc = noChecksum;
  #entries = 0;
  #blocks = 0;
  #namespaces: NamespaceRange[] = [];
  #block: string[] = [];
  #blockNamespace = '';
  #blockLength = 0;

  constructor(file: OpenFile, header: SnapshotHeader) {
    this.#file = file;
    this.#line(headerOpening, encodeSnapshotHeader(header), headerClosing);
  }

  /** @param entry encoded (record.ts) */
  add(namespace: string, entry: string): void {
    if (namespace !== this.#blockNamespace || this.#blockLength >= blockCharacters) {
      this.#endBlock();
      this.#blockNamespace = namespace;
    }
    this.#block.push(entry);
    this.#blockLength += entry.length;
  }

  finish(seq: number, at: number): WrittenSnapshot {
    this.#endBlock();
    if (this.#blocks > 0) this.#text('\n');
    this.#line(
      footerOpening,
      encodeSnapshotFooter({
        entries: this.#entries,
        blocks: this.#blocks,
        seq,
        at,
        namespaces: this.#namespaces,
      }),
      footerClosing,
    );
    this.#writeOut();
    this.#file.sync();
    assert(this.#file.size() === this.#offset, 'a snapshot is as long as what was written');
    return { bytes: this.#offset, entries: this.#entries, crc: this.#crc };
  }

  #endBlock(): void {
    if (this.#block.length === 0) return;
    if (this.#blocks > 0) this.#text(`${blockSeparator}\n`);
    this.#noteRange();
    this.#seal(encodeSnapshotBlock(this.#blockNamespace, this.#block));
    this.#blocks += 1;
    this.#entries += this.#block.length;
    this.#block = [];
    this.#blockLength = 0;
    if (this.#pendingBytes >= pieceBytes) this.#writeOut();
  }

  /** Counts the block that is about to be written at the present end. */
  #noteRange(): void {
    const namespace = this.#blockNamespace;
    const before = this.#namespaces.at(-1);
    if (before?.namespace === namespace) {
      const entries = before.entries + this.#block.length;
      this.#namespaces[this.#namespaces.length - 1] = { ...before, entries };
    } else {
      const offset = this.#offset + this.#pendingBytes;
      this.#namespaces.push({ namespace, entries: this.#block.length, offset });
    }
  }

  #line(opening: string, object: string, closing: string): void {
    this.#text(opening);
    this.#seal(object);
    this.#text(`${closing}\n`);
  }

  #seal(object: string): void {
    const { bytes, checksum } = sealLine(object, this.#crc);
    this.#push(bytes);
    this.#crc = checksum;
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
