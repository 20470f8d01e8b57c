// Appends sealed lines to one journal file, and tracks how much is written and how much is synced.
// Does not know the meaning of the changes. A failed write leaves the file as it was. After a
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
/** How much room is made ahead, in bytes; between the two, a quarter of what is written. */
const roomBytesMin = 64 * 1024;
const roomBytesMax = 1024 * 1024;

/** Where a writer goes on in an existing file. */
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
  /** Where the part ends that is known to be on stable storage. */
  #durable: JournalEnd;
  /** Length of the file: what lies behind the written part is blank. */
  #room: number;
  #mayMakeRoom: boolean;
  #crc: string;
  #nextSeq: number;
  #headerIsDue: boolean;
  #broken = false;
  #syncing: Promise<void> | undefined;

  private constructor(file: OpenFile, header: JournalHeader, at: JournalPosition, isNew: boolean) {
    this.#file = file;
    this.header = header;
    this.#written = at.bytes;
    this.#room = at.bytes;
    this.#mayMakeRoom = header.fsync === 'always';
    this.#crc = at.crc;
    this.#nextSeq = at.nextSeq;
    this.#headerIsDue = isNew;
    this.#durable = this.end;
  }

  /**
   * On an empty, durable file; the header goes out with the first line.
   *
   * @param mayMakeRoom whether the file may grow ahead of what is written
   */
  static begin(file: OpenFile, header: JournalHeader, mayMakeRoom = true): JournalWriter {
    const crc = header.previous?.crc ?? noChecksum;
    const writer = new JournalWriter(file, header, { bytes: 0, crc, nextSeq: header.seq }, true);
    writer.#mayMakeRoom &&= mayMakeRoom;
    return writer;
  }

  /** On a file whose content up to `position` is valid and durable, with nothing behind it. */
  static goOn(file: OpenFile, header: JournalHeader, position: JournalPosition): JournalWriter {
    assert(file.size() === position.bytes, 'a journal goes on at its end');
    return new JournalWriter(file, header, position, false);
  }

  get writtenBytes(): number {
    return this.#written;
  }

  /** The offset known to be on stable storage. */
  get syncedBytes(): number {
    return this.#durable.bytes;
  }

  /** The end of what is known to be on stable storage: what a broken journal is worth. */
  get durableEnd(): JournalEnd {
    return this.#durable;
  }

  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** Nothing is written yet, not even the header. */
  get isNew(): boolean {
    return this.#headerIsDue;
  }

  /** A sync or a cut has failed: what the file holds is unknown until it is recovered. */
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
   * Writes one batch as one line; not yet synced.
   *
   * @param records encoded changes; the first takes `nextSeq`
   * @throws StoreError DISK_FULL, `limit` saying how many bytes would have fitted, or the system
   *   error; the file is as it was unless `isBroken`
   */
  append(records: readonly string[], at: number): void {
    assert(records.length > 0, 'a batch line has records');
    this.#write((bytes) => encodeBatchLine(this.#nextSeq, at, bytes, records));
    this.#nextSeq += records.length;
  }

  /** Writes and syncs a line that says how much is on stable storage, if there is anything. */
  appendMark(kind: MarkKind, at: number): void {
    if (this.#headerIsDue) return;
    this.sync();
    this.#write((bytes) => encodeMarkLine(this.#nextSeq, at, bytes, kind));
    this.sync();
  }

  /** Writes the header now, synced, if it is still due: what came before is then sealed. */
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

  /** Syncs what is written by now, beside other work. */
  async syncSoon(): Promise<void> {
    this.#refuseIfBroken();
    const { end } = this;
    if (this.syncedBytes >= end.bytes) return;
    this.#syncing = this.#file.syncSoon();
    try {
      await this.#syncing;
      // After another sync has failed, the system may call clean what it has dropped.
      if (!this.#broken && end.bytes > this.syncedBytes) this.#durable = end;
    } catch (error) {
      this.#broken = true;
      throw error;
    } finally {
      this.#syncing = undefined;
    }
  }

  /** Cuts off the room that was made ahead: for a file that is not written any more. */
  trim(): void {
    this.#refuseIfBroken();
    if (this.#room === this.#written) return;
    this.#orBreak(() => {
      this.#file.truncate(this.#written);
      this.#file.sync();
    });
    this.#room = this.#written;
    this.#durable = this.end;
  }

  /** Closes the file, once a sync that is under way beside us has let go of it. */
  close(): void {
    const close = (): void => this.#file.close();
    if (this.#syncing === undefined) close();
    else this.#syncing.then(close, close);
  }

  /** A file whose sync or cut failed may hold anything: nothing may be built on it. */
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
    this.#makeRoomFor(bytes.length);
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
    this.#room = Math.max(this.#room, this.#written);
    this.#crc = parts.at(-1)?.checksum ?? this.#crc;
  }

  /**
   * Where every batch is synced, lines are written over blanks that are there already: a sync that
   * need not make a longer file durable takes a third less. Blanks, because a reader of JSON passes
   * over them. Without room on disk it goes on without.
   */
  #makeRoomFor(bytes: number): void {
    if (!this.#mayMakeRoom || this.#written + bytes <= this.#room) return;
    const ahead = Math.min(Math.max(this.#written / 4, roomBytesMin), roomBytesMax);
    const blanks = Buffer.alloc(bytes + Math.floor(ahead), ' ');
    newline.copy(blanks, blanks.length - 1);
    try {
      writeFully(this.#file, blanks, this.#written);
    } catch {
      this.#mayMakeRoom = false;
      this.#cutBack();
      return;
    }
    this.#orBreak(() => this.#file.sync());
    this.#room = this.#written + blanks.length;
  }

  /** A write that failed may have left bytes behind: they must not be taken for a line later. */
  #cutBack(): void {
    this.#orBreak(() => {
      this.#file.truncate(this.#written);
      this.#file.sync();
    });
    this.#room = this.#written;
  }
}
