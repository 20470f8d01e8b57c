// Appends bytes to the newest file of the audit log, begins the next file once one is full, and removes
// the oldest. Holds no bytes back. Knows no record, only lines. The caller makes one call at a time.
import { auditFileName, numbersOfAuditFiles } from './audit-file-names.ts';
import type { AuditFile, AuditFolder } from './audit-folder.ts';

export interface RotatingFilesOptions {
  readonly folder: AuditFolder;
  /** A file that would get larger is full, unless it is empty. */
  readonly fileBytesMax: number;
  readonly filesMax: number;
}

const lineEndCode = 0x0a;
const lineEnd = Buffer.from('\n');

/** The newest file, open. */
interface Newest {
  readonly number: number;
  readonly file: AuditFile;
  bytes: number;
  /** Ends behind a part of a line that is not of this process. */
  isTorn: boolean;
}

export class RotatingFiles {
  readonly #options: RotatingFilesOptions;
  #newest: Newest | undefined;
  /** False within a line whose rest is to come. */
  #isBetweenLines = true;
  #isSynced = true;

  constructor(options: RotatingFilesOptions) {
    this.#options = options;
  }

  /** True if all that was written is on stable storage. */
  get isSynced(): boolean {
    return this.#isSynced;
  }

  /**
   * Writes at the end of the newest file. May write less than all bytes.
   *
   * @param lines whole ones, or the rest of those that the call before has begun
   * @returns the number of bytes written
   */
  async append(lines: Uint8Array): Promise<number> {
    const newest = await this.#newestFor(lines.length);
    // A process that was killed has left a part of a line. It stays as it is: it is evidence, too.
    if (newest.isTorn) await this.#write(newest, lineEnd);
    newest.isTorn = false;
    const written = await this.#write(newest, lines);
    this.#isBetweenLines = lines[written - 1] === lineEndCode;
    return written;
  }

  async sync(): Promise<void> {
    if (this.#isSynced) return;
    await this.#newest?.file.sync();
    this.#isSynced = true;
  }

  async close(): Promise<void> {
    await this.sync();
    const file = this.#newest?.file;
    this.#newest = undefined;
    await file?.close();
  }

  async #write(newest: Newest, bytes: Uint8Array): Promise<number> {
    const written = await newest.file.append(bytes);
    if (written <= 0) throw Object.assign(new Error('write made no progress'), { code: 'EIO' });
    newest.bytes += written;
    this.#isSynced = false;
    return written;
  }

  async #newestFor(bytes: number): Promise<Newest> {
    const newest = this.#newest ?? (await this.#openLast());
    const isFull = newest.bytes > 0 && newest.bytes + bytes > this.#options.fileBytesMax;
    if (!isFull || !this.#isBetweenLines) return newest;
    await this.close();
    return await this.#openFile(newest.number + 1);
  }

  /** Goes on in the last file of the process before: a start that fails often must not use up files. */
  async #openLast(): Promise<Newest> {
    const numbers = numbersOfAuditFiles(await this.#options.folder.list());
    return await this.#openFile(numbers.at(-1) ?? 1);
  }

  async #openFile(number: number): Promise<Newest> {
    const { folder } = this.#options;
    await this.#removeBefore(number);
    const file = await folder.open(auditFileName(number));
    this.#newest = { number, file, bytes: file.bytes, isTorn: !file.endsLine };
    return this.#newest;
  }

  /** Before the file is made: its room may be that of the oldest one. */
  async #removeBefore(number: number): Promise<void> {
    const { folder, filesMax } = this.#options;
    const others = numbersOfAuditFiles(await folder.list()).filter((other) => other < number);
    const surplus = others.slice(0, Math.max(0, others.length + 1 - filesMax));
    for (const other of surplus) await folder.remove(auditFileName(other));
  }
}
