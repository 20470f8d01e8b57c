// What a shard knows of the room on its disk: whether it is full, when to try again, and whether a
// compaction would make room. The reserve has the first claim on any room there is, so that deletes
// stay possible.
import { reserveBytesMax, reserveBytesMin } from '../base/limits.ts';
import type { EntryTable } from './entry-table.ts';
import type { ShardFiles } from './shard-files.ts';

/** How long puts are refused without trying after there was no room for the reserve. */
const tryAgainMs = 1000;
/** Of the live data, what is kept in reserve: a sixteenth. */
const reserveShare = 1 / 16;
/** What an entry takes in a snapshot beside its key and value, at least, in bytes. */
const snapshotOverheadBytes = 48;
/** What a compaction takes beside its snapshot: a journal's header, current.json, part blocks. */
const compactionOverheadBytes = 16 * 1024;
/** Of the reserve, what a compaction leaves for the deletes that come meanwhile. */
const keptReserveBytes = 64 * 1024;
/** Garbage that makes a compaction worth its while on a full disk, in bytes. */
const garbageBytesMin = 64 * 1024;

export function reserveBytesFor(table: EntryTable, bytesMin = reserveBytesMin): number {
  const share = Math.ceil(table.bytes * reserveShare);
  return Math.min(Math.max(share, bytesMin), reserveBytesMax);
}

export interface DiskRoomOptions {
  readonly reserveBytesMin: number | undefined;
  readonly monotonicMs: () => number;
}

export class DiskRoom {
  readonly #files: ShardFiles;
  readonly #table: EntryTable;
  readonly #options: DiskRoomOptions;
  #isFull = false;
  /** A compaction is under way that needs all the room there is. */
  #isMakingRoom = false;
  /** Where the last compaction began: nothing has changed before another seq. */
  #compactedSeq = 0;
  #tryAgainAtMs = -Infinity;

  constructor(files: ShardFiles, table: EntryTable, options: DiskRoomOptions) {
    this.#files = files;
    this.#table = table;
    this.#options = options;
  }

  /** The last put that was tried found no room. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** A compaction would free room, and there is room for the compaction itself. */
  get wantsCompaction(): boolean {
    if (!this.#isFull || this.#isMakingRoom) return false;
    const { journalBytes, snapshotBytes, roomBytes, writer } = this.#files;
    const live = this.#liveBytes;
    const garbage = journalBytes + snapshotBytes - live;
    const isWorthIt = garbage > Math.max(garbageBytesMin, live / 8);
    if (!isWorthIt || writer.nextSeq === this.#compactedSeq) return false;
    return this.compactionBytes + keptReserveBytes <= roomBytes;
  }

  /** What a compaction takes, at least. */
  get compactionBytes(): number {
    return this.#liveBytes + compactionOverheadBytes;
  }

  compactionBegan(): void {
    this.#isMakingRoom = this.#isFull;
    this.#compactedSeq = this.#files.writer.nextSeq;
  }

  /** Whether it came to a snapshot or not. As much data as there is now, so much reserve. */
  compactionEnded(): void {
    this.#isMakingRoom = false;
    this.#files.reserve.want(reserveBytesFor(this.#table, this.#options.reserveBytesMin));
    this.#files.reserve.replenish();
  }

  /** Whether puts may be tried at all: not while the reserve is spent and can not be refilled. */
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

  /** What a snapshot of all entries takes, at least. */
  get #liveBytes(): number {
    return this.#table.bytes + this.#table.entries * snapshotOverheadBytes;
  }
}
