// Appends sealed lines to one journal file, and tracks the written length and the synced length.
// Does not know the meaning of the records. A failed write leaves the file as it was. After a
// failed sync or truncation nothing may write to the file again (`isBroken`).
import { assert } from '../base/assert.ts';
import { isDiskFull, StoreError } from '../base/errors.ts';
import { writeFully, type OpenFile } from './file-system.ts';
import {
  encodeBatchLine,
  encodeJournalHeader,
  encodeMarkLine,
  type JournalEnd,
  type JournalHeader,
  type MarkKind,
} from './journal-format.ts';
import { noChecksum, sealLine, type SealedText } from './sealed-line.ts';

const newline = Buffer.from('\n');
/** Bytes that the file grows ahead: a quarter of the written length, within these bounds. */
const aheadBytesMin = 64 * 1024;
const aheadBytesMax = 1024 * 1024;

/** The end of an existing file, as a writer needs it to continue. */
export interface JournalPosition {
  readonly bytes: number;
  /** Checksum of the last line. */
  readonly crc: string;
  readonly nextSeq: number;
}

export class JournalWriter {
  readonly header: JournalHeader;
  readonly #file: OpenFile;
  #written: number;
  /** End of the part that is known to be on stable storage. */
  #durable: JournalEnd;
  /** Length of the file. Blanks fill it from `#written` on. */
  #fileBytes: number;
  #mayGrowAhead: boolean;
  #crc: string;
  #nextSeq: number;
  #headerIsDue: boolean;
  #broken = false;
  #syncing: Promise<void> | undefined;

  private constructor(file: OpenFile, header: JournalHeader, at: JournalPosition, isNew: boolean) {
    this.#file = file;
    this.header = header;
    this.#written = at.bytes;
    this.#fileBytes = at.bytes;
    this.#mayGrowAhead = header.fsync === 'always';
    this.#crc = at.crc;
    this.#nextSeq = at.nextSeq;
    this.#headerIsDue = isNew;
    this.#durable = this.end;
  }

  /**
   * Starts on an empty, durable file. The first line takes the header with it.
   *
   * @param mayGrowAhead whether the file may grow ahead of the written part
   */
  static begin(file: OpenFile, header: JournalHeader, mayGrowAhead = true): JournalWriter {
    const crc = header.previous?.crc ?? noChecksum;
    const writer = new JournalWriter(file, header, { bytes: 0, crc, nextSeq: header.seq }, true);
    writer.#mayGrowAhead &&= mayGrowAhead;
    return writer;
  }

  /** Continues a file that is valid and durable up to `position` and ends there. */
  static resume(file: OpenFile, header: JournalHeader, position: JournalPosition): JournalWriter {
    assert(file.size() === position.bytes, 'a journal is resumed at its end');
    return new JournalWriter(file, header, position, false);
  }

  get writtenBytes(): number {
    return this.#written;
  }

  /** Length of the part that is known to be on stable storage, in bytes. */
  get syncedBytes(): number {
    return this.#durable.bytes;
  }

  /** End of the part on stable storage. The next journal continues there if this one is broken. */
  get durableEnd(): JournalEnd {
    return this.#durable;
  }

  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** True until the header is written. */
  get isNew(): boolean {
    return this.#headerIsDue;
  }

  /** True once a sync or truncation has failed. Only a recovery can then tell the file's content. */
  get isBroken(): boolean {
    return this.#broken;
  }

  get end(): JournalEnd {
    return {
      generation: this.header.generation,
      bytes: this.#written,
      seq: this.#nextSeq,
      crc: this.#crc,
    };
  }

  /**
   * Writes one batch as one line, without a sync. A throw leaves the file as it was, unless `isBroken`.
   *
   * @param records encoded records; the first takes `nextSeq`
   * @throws StoreError DISK_FULL, with the bytes that would have fitted as `limit`; system errors
   */
  append(records: readonly string[], at: number): void {
    assert(records.length > 0, 'a batch line has records');
    this.#write((bytes) => encodeBatchLine(this.#nextSeq, at, bytes, records));
    this.#nextSeq += records.length;
  }

  /**
   * Writes and syncs a mark line, which states the durable length. Does nothing on an empty journal.
   */
  appendMark(kind: MarkKind, at: number): void {
    if (this.#headerIsDue) return;
    this.sync();
    this.#write((bytes) => encodeMarkLine(this.#nextSeq, at, bytes, kind));
    this.sync();
  }

  /**
   * Writes the header and syncs it, if it is still due. The header seals the journal before this one.
   */
  flushHeader(): void {
    if (!this.#headerIsDue) return;
    this.#write(undefined);
    this.sync();
  }

  sync(): void {
    this.#refuseIfBroken();
    if (this.syncedBytes === this.#written) return;
    this.#orBreak(() => this.#file.sync());
    this.#durable = this.end;
  }

  /** Syncs the bytes written so far, without blocking the thread. */
  async syncSoon(): Promise<void> {
    this.#refuseIfBroken();
    const { end } = this;
    if (this.syncedBytes >= end.bytes) return;
    this.#syncing = this.#file.syncSoon();
    try {
      await this.#syncing;
      // After a failed sync, the system may report dropped pages as clean: this success proves nothing.
      if (!this.#broken && end.bytes > this.syncedBytes) this.#durable = end;
    } catch (error) {
      this.#broken = true;
      throw error;
    } finally {
      this.#syncing = undefined;
    }
  }

  /** Cuts the blanks off a file that gets no more lines. */
  trim(): void {
    this.#refuseIfBroken();
    if (this.#fileBytes === this.#written) return;
    this.#orBreak(() => {
      this.#file.truncate(this.#written);
      this.#file.sync();
    });
    this.#fileBytes = this.#written;
    this.#durable = this.end;
  }

  /** Closes the file, after a `syncSoon` that is still using it. */
  close(): void {
    const close = (): void => this.#file.close();
    if (this.#syncing === undefined) close();
    else this.#syncing.then(close, close);
  }

  /** A file whose sync or truncation failed may hold anything, so no line may follow it. */
  #refuseIfBroken(): void {
    if (!this.#broken) return;
    throw Object.assign(new Error('the journal failed before'), { code: 'EIO' });
  }

  #orBreak(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#broken = true;
      throw error;
    }
  }

  #write(line: ((d: number) => string) | undefined): void {
    this.#refuseIfBroken();
    const parts: SealedText[] = [];
    if (this.#headerIsDue) parts.push(sealLine(encodeJournalHeader(this.header), this.#crc));
    if (line) parts.push(sealLine(line(this.syncedBytes), parts[0]?.checksum ?? this.#crc));
    const bytes = Buffer.concat(parts.flatMap((part) => [part.bytes, newline]));
    this.#growAhead(bytes.length);
    try {
      writeFully(this.#file, bytes, this.#written);
    } catch (error) {
      const limit = Math.max(0, this.#file.size() - this.#written);
      this.#cutBack();
      if (!isDiskFull(error)) throw error;
      throw new StoreError('DISK_FULL', 'no room on disk for the journal', { limit }, error);
    }
    this.#headerIsDue = false;
    this.#written += bytes.length;
    this.#fileBytes = Math.max(this.#fileBytes, this.#written);
    this.#crc = parts.at(-1)?.checksum ?? this.#crc;
  }

  /**
   * In `always`, the writer makes the file longer ahead of its lines, with blanks. A sync takes a
   * third less if it need not make a longer file durable. Readers of JSON pass over blanks. If the
   * disk has no room for blanks, the writer does without.
   */
  #growAhead(bytes: number): void {
    if (!this.#mayGrowAhead || this.#written + bytes <= this.#fileBytes) return;
    const ahead = Math.min(Math.max(this.#written / 4, aheadBytesMin), aheadBytesMax);
    const blanks = Buffer.alloc(bytes + Math.floor(ahead), ' ');
    newline.copy(blanks, blanks.length - 1);
    try {
      writeFully(this.#file, blanks, this.#written);
    } catch {
      this.#mayGrowAhead = false;
      this.#cutBack();
      return;
    }
    this.#orBreak(() => this.#file.sync());
    this.#fileBytes = this.#written + blanks.length;
  }

  /** A failed write may leave bytes behind, and a reader must not take them for a line. */
  #cutBack(): void {
    this.#orBreak(() => {
      this.#file.truncate(this.#written);
      this.#file.sync();
    });
    this.#fileBytes = this.#written;
  }
}
