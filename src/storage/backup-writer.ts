// Encodes entries, given in (namespace, key) order, as a backup in pieces of bytes. Memory: one
// block, and the bytes that the caller has not taken yet. Knows no file and no client.
import {
  encodeBackupFooter,
  encodeBackupHeader,
  type BackupFooter,
  type BackupHeader,
} from './backup-format.ts';
import { encodeBlock } from './block-format.ts';
import { BlockPacker } from './block-packer.ts';
import { ChainWriter } from './sealed-chain.ts';

const newline = Buffer.from('\n');

export class BackupWriter {
  readonly #chain = new ChainWriter();
  readonly #blocks = new BlockPacker((namespace, entries) =>
    this.#line(encodeBlock(namespace, entries)),
  );
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  constructor(header: BackupHeader) {
    this.#line(encodeBackupHeader(header));
  }

  /** Number of bytes that the next `take` returns. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** @param entry encoded (record.ts) */
  add(namespace: string, entry: string): void {
    this.#blocks.add(namespace, entry);
  }

  /** Writes the footer. Readers refuse a backup without one. */
  finish(): BackupFooter {
    this.#blocks.end();
    const { entries, blocks } = this.#blocks;
    this.#line(encodeBackupFooter({ entries, blocks }));
    return { entries, blocks };
  }

  /** Takes out all encoded bytes, in memory of their own: a message to another thread can move it. */
  take(): Uint8Array<ArrayBuffer> {
    const piece = new Uint8Array(this.#pendingBytes);
    let filled = 0;
    for (const bytes of this.#pending) {
      piece.set(bytes, filled);
      filled += bytes.length;
    }
    this.#pending = [];
    this.#pendingBytes = 0;
    return piece;
  }

  #line(object: string): void {
    const bytes = this.#chain.seal(object);
    this.#pending.push(bytes, newline);
    this.#pendingBytes += bytes.length + newline.length;
  }
}
