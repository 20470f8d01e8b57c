// The audit log of a server: takes records at once, and writes them soon after, off the path of requests.
// Bounds the records that wait for the disk, and says when requests must be refused for want of room.
// Knows no request and no file name.
import type { Logger } from 'pino';
import { retrySoon, StoreError, systemErrorCode } from '../base/errors.ts';
import type { AuditFolder } from './audit-folder.ts';
import { lineOfRecord, type AuditRecord } from './audit-record.ts';
import { RotatingFiles } from './rotating-files.ts';

/** `refuse`: audited requests are refused before they have an effect. `drop`: they leave no record. */
export type AuditOnFull = 'refuse' | 'drop';

export interface AuditLogOptions {
  readonly folder: AuditFolder;
  readonly fileBytesMax: number;
  readonly filesMax: number;
  readonly onFull: AuditOnFull;
  /** Unix milliseconds. */
  readonly nowMs: () => number;
  readonly logger: Pick<Logger, 'error' | 'info'>;
  /** Characters of records that wait for the disk. */
  readonly waitingMax?: number;
  /** Runs the work after so many milliseconds. Default: a timer that lets the process end. */
  readonly later?: (ms: number, work: () => void) => void;
}

/** A record is written within 100 ms: a write may take as long as the wait for it. */
const writeAfterMs = 50;

/** A power cut loses the records of the last second. More syncs would slow down those of the shards. */
const syncAfterMs = 1000;

/** A disk that was full is tried again. */
const retryAfterMs = 1000;

const waitingMaxDefault = 16 * 1024 * 1024;

/** Records leave in writes of this size, so that the copy that is being written stays small. */
const writeBytesMax = 1024 * 1024;

const nothing = Buffer.alloc(0);

const byTimer = (ms: number, work: () => void): void => void setTimeout(work, ms).unref();

export class AuditLog {
  readonly #options: AuditLogOptions;
  readonly #files: RotatingFiles;
  readonly #later: (ms: number, work: () => void) => void;
  readonly #waitingMax: number;
  readonly #writeMax: number;
  #waiting: string[] = [];
  #waitingSize = 0;
  /** Lines that were taken from those that wait, as far as they are not written. */
  #rest: Buffer = nothing;
  #failure: unknown;
  #isTold = false;
  #isScheduled = false;
  #isHurried = false;
  #isSyncDue = false;
  #running: Promise<void> | undefined;
  #records = 0;
  #dropped = 0;
  #droppedBefore = 0;
  #refused = 0;
  #atMs = Number.NaN;
  #at = '';

  constructor(options: AuditLogOptions) {
    const { fileBytesMax, later = byTimer, waitingMax = waitingMaxDefault } = options;
    this.#options = options;
    this.#files = new RotatingFiles(options);
    this.#later = later;
    this.#waitingMax = waitingMax;
    this.#writeMax = Math.min(writeBytesMax, fileBytesMax);
  }

  /** Records that were taken. */
  get records(): number {
    return this.#records;
  }

  /** Records that were lost because the log was full. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Requests that were refused because the log was full. */
  get refused(): number {
    return this.#refused;
  }

  /** True while the disk takes no records, or too many wait for it. */
  get isFull(): boolean {
    return this.#failure !== undefined || this.#waitingSize >= this.#waitingMax;
  }

  /** The error for a request that would leave a record; undefined if the record finds room. */
  refusal(): StoreError | undefined {
    if (this.#options.onFull !== 'refuse' || !this.isFull) return undefined;
    this.#refused += 1;
    const detail =
      'The audit log cannot be written, and no request is carried out without a record. Nothing was done.';
    return new StoreError('AUDIT_FULL', detail, retrySoon);
  }

  /** The log keeps the record of a request that was let in, even if it has become full meanwhile. */
  add(record: AuditRecord): void {
    if (this.#mustDrop(record)) {
      this.#dropped += 1;
      return;
    }
    const line = lineOfRecord(this.#now(), record);
    this.#records += 1;
    this.#waiting.push(line);
    this.#waitingSize += line.length;
    this.#tell();
    this.#schedule(writeAfterMs);
    if (this.#waitingSize >= writeBytesMax) this.#hurry();
  }

  /** Writes and syncs what waits. The caller adds no record from now on. Never rejects. */
  async close(): Promise<void> {
    await this.#running;
    await this.#run();
    try {
      await this.#files.close();
    } catch (error) {
      this.#failure ??= error;
    }
    if (this.#failure === undefined) return;
    const facts = { err: this.#failure, records: this.#waiting.length };
    this.#options.logger.error(facts, 'the audit log could not be written to its end');
  }

  #mustDrop({ outcome }: AuditRecord): boolean {
    if (!this.isFull) return false;
    if (this.#options.onFull === 'drop') return true;
    // No effect comes with it, so it is not held back, and it may not use up the memory either.
    return outcome === 'denied' && this.#waitingSize >= this.#waitingMax;
  }

  /** Many records have the same time, and its text costs as much as all the rest. */
  #now(): string {
    const nowMs = this.#options.nowMs();
    if (nowMs !== this.#atMs) this.#at = new Date(nowMs).toISOString();
    this.#atMs = nowMs;
    return this.#at;
  }

  #schedule(ms: number): void {
    if (this.#isScheduled || this.#running !== undefined) return;
    this.#isScheduled = true;
    this.#later(ms, () => {
      this.#isScheduled = false;
      if (this.#running === undefined) void this.#run();
    });
  }

  /** Large records must not fill the memory while they wait for company. A disk that fails is left alone. */
  #hurry(): void {
    if (this.#isHurried || this.#running !== undefined || this.#failure !== undefined) return;
    this.#isHurried = true;
    this.#later(0, () => {
      this.#isHurried = false;
      if (this.#running === undefined) void this.#run();
    });
  }

  #run(): Promise<void> {
    this.#running = this.#work();
    return this.#running;
  }

  async #work(): Promise<void> {
    try {
      await this.#writeAll();
      if (this.#isSyncDue) await this.#files.sync();
      else if (!this.#files.isSynced) this.#scheduleSync();
      this.#isSyncDue = false;
      this.#failure = undefined;
    } catch (error) {
      this.#failure = error;
    }
    this.#running = undefined;
    this.#tell();
    if (this.#failure !== undefined) this.#schedule(retryAfterMs);
    else if (this.#waiting.length > 0) this.#schedule(writeAfterMs);
  }

  /** Writes all that waits now, and what comes meanwhile as long as the writes are full. */
  async #writeAll(): Promise<void> {
    if (this.#rest.length === 0) this.#rest = this.#take();
    while (this.#rest.length > 0) {
      // oxlint-disable-next-line no-await-in-loop -- one write after the other
      const written = await this.#files.append(this.#rest);
      this.#rest = this.#rest.subarray(written);
      if (this.#rest.length === 0) this.#rest = this.#take();
    }
  }

  #take(): Buffer {
    let bytes = 0;
    let count = 0;
    for (const line of this.#waiting) {
      const lineBytes = Buffer.byteLength(line);
      if (count > 0 && bytes + lineBytes > this.#writeMax) break;
      bytes += lineBytes;
      count += 1;
    }
    if (count === 0) return nothing;
    const lines = this.#waiting.splice(0, count);
    for (const line of lines) this.#waitingSize -= line.length;
    return Buffer.from(lines.join(''));
  }

  #scheduleSync(): void {
    this.#later(syncAfterMs, () => {
      this.#isSyncDue = true;
      this.#schedule(0);
    });
  }

  /** One line when the log becomes full, and one when it works again. */
  #tell(): void {
    const { isFull } = this;
    if (isFull === this.#isTold) return;
    this.#isTold = isFull;
    const { logger, onFull } = this.#options;
    if (!isFull) {
      const dropped = this.#dropped - this.#droppedBefore;
      logger.info({ dropped }, 'the audit log is written again');
      return;
    }
    this.#droppedBefore = this.#dropped;
    const why = systemErrorCode(this.#failure) ?? 'too many records wait for the disk';
    const effect =
      onFull === 'refuse' ? 'audited requests are refused' : 'requests leave no record';
    logger.error({ why, err: this.#failure }, `the audit log cannot be written: ${effect}`);
  }
}
