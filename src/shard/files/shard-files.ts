// Owns the live files of a serving shard. Names them in current.json, rotates journals, installs
// compacted snapshots, and makes room on a full disk. Knows no operation. start-files.ts makes the
// files of a recovered shard ready to serve.
import { isDiskFull } from '../../base/errors.ts';
import {
  prepareCurrent,
  writeCurrent,
  type Current,
  type Mark,
  type SnapshotReference,
} from '../../storage/current.ts';
import type { JournalEnd, JournalHeader } from '../../storage/journal-format.ts';
import type { JournalWriter } from '../../storage/journal-writer.ts';
import type { Reserve } from '../../storage/reserve.ts';
import type { EntryTable } from '../table/entry-table.ts';
import type { ShardPlace } from '../shard-place.ts';
import { carryOver, createJournal, referTo, type NextHeader } from './next-journal.ts';
import { continueFromLastSync, continueFromMemory } from './rotate-after-failed-sync.ts';
import { removeFilesOf, removeLeftovers } from './live-files.ts';

/** Files of a shard that are never written again. */
export interface SealedFiles {
  readonly snapshot: SnapshotReference | null;
  /** Those after the snapshot, oldest first, each with at least its header. */
  readonly journals: readonly JournalEnd[];
}

/** Bytes that the reserve gives up at a time, for a line or a small file. */
const stepBytes = 16 * 1024;

/** The state of a shard's files when a start takes them over. */
export interface ShardFilesState {
  readonly current: Current;
  /** Ends of the live journals that are never written again, oldest first. */
  readonly sealed: readonly JournalEnd[];
  readonly writer: JournalWriter;
  readonly reserve: Reserve;
}

export class ShardFiles {
  readonly #place: ShardPlace;
  readonly #reserve: Reserve;
  #current: Current;
  #sealed: readonly JournalEnd[];
  #writer: JournalWriter;
  /** Generation of the next journal. Skips those that a failed call may have named. */
  #nextGeneration: number;

  constructor(place: ShardPlace, { current, sealed, writer, reserve }: ShardFilesState) {
    this.#place = place;
    this.#reserve = reserve;
    this.#current = current;
    this.#sealed = sealed;
    this.#writer = writer;
    this.#nextGeneration = writer.header.generation + 1;
  }

  get writer(): JournalWriter {
    return this.#writer;
  }

  get reserve(): Reserve {
    return this.#reserve;
  }

  get journalBytes(): number {
    return this.#sealed.reduce((sum, { bytes }) => sum + bytes, this.#writer.writtenBytes);
  }

  get liveJournals(): number {
    return this.#current.journals.length;
  }

  get snapshotBytes(): number {
    return this.#current.snapshot?.bytes ?? 0;
  }

  /** The space that may still be written, the reserve included, in bytes. */
  get roomBytes(): number {
    return this.#freeBytes + this.#reserve.bytes;
  }

  get #freeBytes(): number {
    const { fileSystem, folder } = this.#place;
    return fileSystem.freeBytes(folder);
  }

  /**
   * Ends the journal, if it has records, and continues in a new one.
   *
   * @returns the files that hold everything up to this moment; they are immutable from here on
   */
  sealJournal(at: number, mayGrowAhead = true): SealedFiles {
    const { nextSeq, header } = this.#writer;
    if (nextSeq > header.seq) {
      this.rotateJournal({ seq: nextSeq, fsync: header.fsync, at }, mayGrowAhead);
    }
    // The header says at which offset the journal before it ended.
    this.#orFindRoom(() => this.#writer.flushHeader());
    return { snapshot: this.#current.snapshot, journals: this.#sealed };
  }

  /**
   * Seals the input of a compaction.
   *
   * @param roomBytes on a full disk: the bytes to free for it; else undefined
   * @param records that must outlive the sealed journals
   * @returns undefined if there is nothing to compact
   */
  beginCompaction(
    at: number,
    roomBytes: number | undefined,
    records: Iterable<string>,
  ): SealedFiles | undefined {
    if (roomBytes !== undefined) {
      this.dropPrevious();
      const lacking = roomBytes - this.#freeBytes;
      if (lacking > 0) this.#reserve.release(lacking);
    }
    const input = this.sealJournal(at, roomBytes === undefined);
    if (input.journals.length === 0) return undefined;
    this.#orFindRoom(() => carryOver(this.#writer, records, at));
    return input;
  }

  /**
   * Makes a compacted snapshot live, in place of the files that it contains. The snapshot must be
   * whole and durable.
   *
   * @param keepPrevious whether to keep the files it replaces until the next compaction
   */
  installSnapshot(snapshot: SnapshotReference, keepPrevious: boolean): void {
    const isFolded = ({ generation }: { generation: number }): boolean =>
      generation <= snapshot.generation;
    // If the shard has continued from memory meanwhile, the snapshot is of files that do not count.
    if (this.#sealed.some(({ generation }) => generation === snapshot.generation)) {
      const { journals, snapshot: oldSnapshot } = this.#current;
      const replaced = { snapshot: oldSnapshot, journals: journals.filter(isFolded) };
      this.#write({
        ...this.#current,
        snapshot,
        journals: journals.filter((journal) => !isFolded(journal)),
        previous: keepPrevious ? replaced : null,
      });
      this.#sealed = this.#sealed.filter((journal) => !isFolded(journal));
    }
    // This also removes files that a failed compaction has left.
    removeLeftovers(this.#place, this.#current);
  }

  /**
   * Frees space for bytes that did not fit. Removes the previous generation first, and then spends
   * the reserve, if allowed.
   *
   * @returns false if there is no space to free
   */
  makeRoom(bytes: number, maySpendReserve: boolean): boolean {
    if (this.dropPrevious()) return true;
    return maySpendReserve && this.#reserve.release(bytes);
  }

  /**
   * Removes the files that the last compaction replaced.
   *
   * @returns false if there are none
   */
  dropPrevious(): boolean {
    const { previous } = this.#current;
    if (previous === null) return false;
    // Removes them before current.json says so: writing current.json takes space, and no start
    // reads them.
    removeFilesOf(this.#place, previous);
    this.#current = { ...this.#current, previous: null };
    try {
      this.#write(this.#current);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
    }
    return true;
  }

  /**
   * Continues after a failed sync. The content of the files is unknown, so the shard never writes
   * to the journal again. It disowns the bytes after the last good sync. The result is durable.
   * After a throw, the caller may try again.
   *
   * @param table all visible entries
   * @param records of transactions, which the table does not hold
   */
  mend(table: EntryTable, records: Iterable<string>, at: number): void {
    const isAllSynced = this.#writer.header.fsync === 'always';
    const create = (header: NextHeader): JournalWriter =>
      createJournal(this.#place, this.#nextGeneration, header);
    this.#orFindRoom(() => {
      const before = { current: this.#current, sealed: this.#sealed, writer: this.#writer };
      const { next, current, sealed } = isAllSynced
        ? continueFromLastSync(before, create, at)
        : continueFromMemory(before, create, at, this.#place, table, records);
      this.#nameJournal(next, current);
      this.#sealed = sealed;
      if (!isAllSynced) removeLeftovers(this.#place, this.#current);
    });
  }

  /**
   * Syncs all and leaves a mark in the journal and in current.json. Bytes missing below the mark
   * are damage.
   */
  stop(at: number): void {
    this.#orFindRoom(() => this.#writer.appendMark('stop', at));
    this.#writer.trim();
    // An empty journal cannot vouch for the end of the one before it.
    const end = this.#writer.isNew ? this.#writer.header.previous : this.#writer.end;
    if (end !== null) {
      const mark: Mark = { generation: end.generation, bytes: end.bytes };
      this.#orFindRoom(() => this.#write({ ...this.#current, mark }));
    }
    this.#writer.close();
  }

  /**
   * Outside `always`, readers may see lines that a crash then takes. Seq must jump at the start
   * after that. So this syncs the lines that say so: the header, or the end of a clean stop.
   */
  noteThatEndMayBeLost(at: number): void {
    this.#orFindRoom(() => {
      if (this.#writer.isNew) this.#writer.flushHeader();
      else this.#writer.appendMark('start', at);
    });
  }

  /** Makes, syncs and names the next journal before anything is written to it. */
  rotateJournal(header: Pick<JournalHeader, 'seq' | 'fsync' | 'at'>, mayGrowAhead = true): void {
    // The new header will vouch for the old journal's end, so that end must be durable.
    this.#writer.sync();
    this.#writer.trim();
    const previous = this.#writer.end;
    const { generation, bytes } = previous;
    const { journals } = this.#current;
    this.#orFindRoom(() => {
      const next = createJournal(
        this.#place,
        this.#nextGeneration,
        { ...header, previous },
        mayGrowAhead,
      );
      // Until the shard writes the next header, this mark alone says that the old journal is whole.
      const mark = { generation, bytes };
      this.#nameJournal(next, { ...this.#current, journals: [...journals, referTo(next)], mark });
    });
    this.#sealed = [...this.#sealed, previous];
  }

  /** Makes the next journal live. The shard writes to it from then on. */
  #nameJournal(next: JournalWriter, current: Current): void {
    const { fileSystem, folder, identity } = this.#place;
    try {
      const name = prepareCurrent(fileSystem, folder, identity, current);
      // From here on current.json may name the file even if a call fails, so no later call may make it.
      this.#nextGeneration += 1;
      name();
    } catch (error) {
      next.close();
      throw error;
    }
    this.#current = current;
    this.#writer.close();
    this.#writer = next;
  }

  /** Retries with all space that the shard can free: without this work the shard cannot continue. */
  #orFindRoom(work: () => void): void {
    for (;;) {
      try {
        work();
        return;
      } catch (error) {
        if (!isDiskFull(error) || !this.makeRoom(stepBytes, true)) throw error;
      }
    }
  }

  #write(current: Current): void {
    const { fileSystem, folder, identity } = this.#place;
    writeCurrent(fileSystem, folder, identity, current);
    this.#current = current;
  }
}
