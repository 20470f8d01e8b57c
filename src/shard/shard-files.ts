// Owns a shard's files once it is recovered: brings them into the state to be served from, says
// which are live (current.json), changes journals and takes compacted snapshots over. Knows
// nothing of operations.
import { assert } from '../base/assert.ts';
import { seqJumpUnsynced } from '../base/limits.ts';
import {
  writeCurrent,
  type Current,
  type FileSet,
  type Mark,
  type SnapshotReference,
} from '../storage/current.ts';
import {
  currentName,
  cutTailName,
  isDataFile,
  isTemporary,
  journalName,
  snapshotName,
} from '../storage/file-names.ts';
import { writeFully, type FileSystem, type OpenFile } from '../storage/file-system.ts';
import type { FsyncMode } from '../base/fsync-mode.ts';
import type { JournalEnd, JournalHeader } from '../storage/journal-format.ts';
import { JournalWriter } from '../storage/journal-writer.ts';
import type { Recovered, ShardPlace, TornTail } from './recovery.ts';

/** What a compaction reads: files that nobody writes any more. */
export interface CompactionInput {
  readonly snapshot: SnapshotReference | null;
  /** At least one, oldest first. The new snapshot takes the last one's generation. */
  readonly journals: readonly JournalEnd[];
}

export class ShardFiles {
  readonly #place: ShardPlace;
  #current: Current;
  #sealed: JournalEnd[];
  #writer: JournalWriter;

  private constructor(
    place: ShardPlace,
    current: Current,
    sealed: JournalEnd[],
    writer: JournalWriter,
  ) {
    this.#place = place;
    this.#current = current;
    this.#sealed = sealed;
    this.#writer = writer;
  }

  /**
   * Makes what was recovered durable and ready to be written to: the first changes to any file.
   *
   * @param at the stamp for headers, Unix milliseconds
   */
  static start(place: ShardPlace, recovered: Recovered, fsync: FsyncMode, at: number): ShardFiles {
    for (const torn of recovered.torn) cutTail(place, torn);
    removeLeftovers(place, recovered.current);
    syncLive(place, recovered.current);
    const files = ShardFiles.#goOn(place, recovered, fsync, at);
    if (fsync !== 'always') files.#noteThatEndMayBeLost(at);
    return files;
  }

  /**
   * Outside `always` lines may be seen and then lost, and seq must jump at the next start. What
   * tells it so must not be lost with them: the header, and that a clean stop is over.
   */
  #noteThatEndMayBeLost(at: number): void {
    if (this.#writer.isNew) this.#writer.flushHeader();
    else this.#writer.appendMark('start', at);
  }

  static #goOn(place: ShardPlace, recovered: Recovered, fsync: FsyncMode, at: number): ShardFiles {
    const { identity, fileSystem, folder } = place;
    const { current, tail } = recovered;
    const sealed = [...recovered.sealed];
    const seq = tail.end.seq + (recovered.mayHaveLostEnd ? seqJumpUnsynced : 0);
    const generation = current.journals.at(-1)?.generation ?? tail.end.generation;
    const file = fileSystem.open(`${folder}/${journalName(generation)}`);
    const used = generation === tail.end.generation ? tail.end.bytes : 0;
    // Only room that was made ahead can be behind it by now.
    if (file.size() > used) file.truncate(used);
    const isBegun = generation === tail.end.generation && tail.header !== undefined;
    if (isBegun) {
      const { bytes, crc } = tail.end;
      const position = { bytes, crc, nextSeq: tail.end.seq };
      const writer = JournalWriter.goOn(file, tail.header, position);
      const files = new ShardFiles(place, current, sealed, writer);
      if (tail.header.fsync !== fsync || recovered.mayHaveLostEnd) files.#switch(seq, fsync, at);
      return files;
    }
    const previous = generation === tail.end.generation ? null : tail.end;
    if (previous !== null) sealed.push(previous);
    const header = { ...identity, generation, seq, fsync, at, previous };
    return new ShardFiles(place, current, sealed, JournalWriter.begin(file, header));
  }

  get writer(): JournalWriter {
    return this.#writer;
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

  /**
   * Ends the journal and goes on in a new one, so that all before it can be compacted.
   * Undefined where there is nothing to compact.
   */
  beginCompaction(at: number): CompactionInput | undefined {
    if (this.#writer.writtenBytes > 0) {
      this.#switch(this.#writer.nextSeq, this.#writer.header.fsync, at);
    }
    // The header says where the journal before it ended: from here on that one is immutable.
    this.#writer.flushHeader();
    if (this.#sealed.length === 0) return undefined;
    return { snapshot: this.#current.snapshot, journals: this.#sealed };
  }

  /** Puts a compacted snapshot, whole and durable under its name, in the place of what it holds. */
  takeSnapshot(snapshot: SnapshotReference): void {
    const isFolded = (generation: number): boolean => generation <= snapshot.generation;
    const { journals, snapshot: oldSnapshot } = this.#current;
    assert(
      this.#sealed.some(({ generation }) => generation === snapshot.generation),
      'a snapshot ends with a sealed journal',
    );
    this.#write({
      ...this.#current,
      snapshot,
      journals: journals.filter(({ generation }) => !isFolded(generation)),
      previous: {
        snapshot: oldSnapshot,
        journals: journals.filter(({ generation }) => isFolded(generation)),
      },
    });
    this.#sealed = this.#sealed.filter(({ generation }) => !isFolded(generation));
    // With the generation before the last goes whatever a failed compaction left.
    removeLeftovers(this.#place, this.#current);
  }

  /** Syncs all and leaves a mark in both places: whatever is missing below it later is damage. */
  stop(at: number): void {
    this.#writer.appendMark('stop', at);
    this.#writer.trim();
    const { generation, bytes } = this.#writer.end;
    const mark: Mark | null = bytes > 0 ? { generation, bytes } : this.#current.mark;
    if (mark !== null) this.#write({ ...this.#current, mark });
    this.#writer.close();
  }

  /** The next journal is made, synced and named before anything is written to it. */
  #switch(seq: number, fsync: FsyncMode, at: number): void {
    const { fileSystem, folder, identity } = this.#place;
    // The new header will vouch for the old journal's end, so that end must be durable.
    this.#writer.sync();
    this.#writer.trim();
    const previous = this.#writer.end;
    const generation = previous.generation + 1;
    const path = `${folder}/${journalName(generation)}`;
    // It may be there, and even be named, where an earlier attempt failed behind the rename.
    const file = fileSystem.exists(path) ? fileSystem.open(path) : fileSystem.create(path);
    try {
      file.truncate(0);
      file.sync();
      fileSystem.syncFolder(folder);
      this.#write({ ...this.#current, journals: [...this.#current.journals, { generation }] });
    } catch (error) {
      file.close();
      throw error;
    }
    const header: JournalHeader = { ...identity, generation, seq, fsync, at, previous };
    this.#writer.close();
    this.#sealed.push(previous);
    this.#writer = JournalWriter.begin(file, header);
  }

  #write(current: Current): void {
    const { fileSystem, folder, identity } = this.#place;
    writeCurrent(fileSystem, folder, identity, current);
    this.#current = current;
  }
}

function namesIn({ snapshot, journals }: FileSet): string[] {
  const names = journals.map(({ generation }) => journalName(generation));
  return snapshot === null ? names : [snapshotName(snapshot.generation), ...names];
}

function removeFiles({ fileSystem, folder }: ShardPlace, names: readonly string[]): void {
  for (const name of names) {
    if (fileSystem.exists(`${folder}/${name}`)) fileSystem.remove(`${folder}/${name}`);
  }
  fileSystem.syncFolder(folder);
}

/** Keeps the bytes beside the journal, where there is room, and cuts them off. */
function cutTail({ fileSystem, folder }: ShardPlace, { generation, bytes }: TornTail): void {
  const file = fileSystem.open(`${folder}/${journalName(generation)}`);
  try {
    keepTail(fileSystem, file, bytes, `${folder}/${cutTailName(generation, bytes)}`);
    file.truncate(bytes);
    file.sync();
  } finally {
    file.close();
  }
}

/** A courtesy, not a promise: on a full disk the store must start all the same. */
function keepTail(fileSystem: FileSystem, journal: OpenFile, from: number, path: string): void {
  try {
    if (fileSystem.exists(path)) fileSystem.remove(path);
    const copy = fileSystem.create(path);
    try {
      copyFrom(journal, from, copy);
      copy.sync();
    } finally {
      copy.close();
    }
  } catch {
    if (fileSystem.exists(path)) fileSystem.remove(path);
  }
}

function copyFrom(source: OpenFile, from: number, target: OpenFile): void {
  const piece = Buffer.allocUnsafe(1024 * 1024);
  let copied = 0;
  for (;;) {
    const count = source.read(piece, from + copied);
    if (count === 0) return;
    writeFully(target, piece.subarray(0, count), copied);
    copied += count;
  }
}

/** What a crash left half made, and files that were replaced but not yet removed. */
function removeLeftovers(place: ShardPlace, current: Current): void {
  const named = new Set([currentName, ...namesIn(current)]);
  for (const name of current.previous === null ? [] : namesIn(current.previous)) named.add(name);
  const leftovers = place.fileSystem
    .list(place.folder)
    .filter((name) => isTemporary(name) || (isDataFile(name) && !named.has(name)));
  removeFiles(place, leftovers);
}

/** What is served must be durable first, whichever mode it was written in. */
function syncLive({ fileSystem, folder }: ShardPlace, current: Current): void {
  for (const name of [currentName, ...namesIn(current)]) {
    const file = fileSystem.open(`${folder}/${name}`);
    try {
      file.sync();
    } finally {
      file.close();
    }
  }
  fileSystem.syncFolder(folder);
}
