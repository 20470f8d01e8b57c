// The state of a shard's disk: whether it is full, and when puts may try again. Also whether a
// compaction would free space. The reserve has the first claim on free space, so that deletes stay
// possible. Knows no operation.
import { reserveBytesMax, reserveBytesMin } from '../../base/limits.ts';
import type { EntryTable } from '../table/entry-table.ts';
import type { ShardFiles } from './shard-files.ts';

/** The shard refuses puts for so long without trying, after the disk had no room for the reserve. */
const tryAgainMs = 1000;
/** The share of the live data's size that the reserve has. */
const reserveShare = 1 / 16;
/** An entry's minimum size in a snapshot without its key and value, in bytes. */
const snapshotOverheadBytes = 48;
/** A compaction's disk space without its snapshot: journal header, current.json, partial blocks. */
const compactionOverheadBytes = 16 * 1024;
/** The part of the reserve that a compaction leaves for deletes while it runs, in bytes. */
const keptReserveBytes = 64 * 1024;
/** The least garbage that is worth a compaction on a full disk, in bytes. */
const garbageBytesMin = 64 * 1024;

export function reserveBytesFor(table: EntryTable, bytesMin = reserveBytesMin): number {
  const share = Math.ceil(table.bytes * reserveShare);
  return Math.min(Math.max(share, bytesMin), reserveBytesMax);
}

export interface DiskSpaceOptions {
  readonly reserveBytesMin: number | undefined;
  readonly monotonicMs: () => number;
}

export class DiskSpace {
  readonly #files: ShardFiles;
  readonly #table: EntryTable;
  readonly #options: DiskSpaceOptions;
  #isFull = false;
  /** True while a compaction runs that needs all free space. */
  #isMakingRoom = false;
  /** The seq at which the last compaction began. While it is the next seq, nothing has changed. */
  #compactedSeq = 0;
  #tryAgainAtMs = -Infinity;

  constructor(files: ShardFiles, table: EntryTable, options: DiskSpaceOptions) {
    this.#files = files;
    this.#table = table;
    this.#options = options;
  }

  /** True if the disk had no room for the last put that the shard tried. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** True if a compaction would free space, and the disk has room for the compaction itself. */
  get wantsCompaction(): boolean {
    if (!this.#isFull || this.#isMakingRoom) return false;
    const { journalBytes, snapshotBytes, roomBytes, writer } = this.#files;
    const live = this.#liveBytes;
    const garbage = journalBytes + snapshotBytes - live;
    const isWorthIt = garbage > Math.max(garbageBytesMin, live / 8);
    if (!isWorthIt || writer.nextSeq === this.#compactedSeq) return false;
    return this.compactionBytes + keptReserveBytes <= roomBytes;
  }

  /** The least disk space that a compaction needs, in bytes. */
  get compactionBytes(): number {
    return this.#liveBytes + compactionOverheadBytes;
  }

  compactionBegan(): void {
    this.#isMakingRoom = this.#isFull;
    this.#compactedSeq = this.#files.writer.nextSeq;
  }

  /**
   * Adjusts the reserve to the present amount of data. Callers call it after every compaction, even
   * after one that has failed.
   */
  compactionEnded(): void {
    this.#isMakingRoom = false;
    this.#files.reserve.want(reserveBytesFor(this.#table, this.#options.reserveBytesMin));
    this.#files.reserve.replenish();
  }

  /** False while a compaction needs all space, or the disk has no room to refill the reserve. */
  mayPut(): boolean {
    if (this.#isMakingRoom) return false;
    if (!this.#files.reserve.isShort) return true;
    const now = this.#options.monotonicMs();
    if (now < this.#tryAgainAtMs) return false;
    if (this.#files.reserve.replenish()) return true;
    this.#tryAgainAtMs = now + tryAgainMs;
    return false;
  }

  putsWereRefused(): void {
    this.#isFull = true;
  }

  putsWereWritten(): void {
    this.#isFull = false;
  }

  /** The least size of a snapshot of all entries, in bytes. */
  get #liveBytes(): number {
    return this.#table.bytes + this.#table.entries * snapshotOverheadBytes;
  }
}
