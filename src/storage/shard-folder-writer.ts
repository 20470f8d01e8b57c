// Makes a shard's folder from entries: a snapshot of generation 1 and a journal of generation 2.
// Nothing counts before `finish` has returned. The caller puts the layout into the manifest.
import type { ShardIdentity } from '../base/shard-location.ts';
import { writeCurrent, type Mark, type SnapshotReference } from './current.ts';
import { journalName, snapshotName } from './file-names.ts';
import { createFile, type FileSystem, type OpenFile } from './file-system.ts';
import { encodeJournalHeader, type JournalHeader } from './journal-format.ts';
import { noChecksum, sealLine } from './sealed-line.ts';
import { SnapshotWriter } from './snapshot-writer.ts';

const snapshotGeneration = 1;
const journalGeneration = 2;

/** The seq and timestamp that a new shard starts from. */
export interface ShardPosition {
  /** Seq of the shard's next record. Must be above the version of every entry. */
  readonly seq: number;
  /** The store's timestamp, Unix milliseconds. */
  readonly at: number;
}

export class ShardFolderWriter {
  readonly #fileSystem: FileSystem;
  readonly #folder: string;
  readonly #identity: ShardIdentity;
  readonly #file: OpenFile;
  readonly #snapshot: SnapshotWriter;

  /** @param folder this makes it; if it exists, it must be empty */
  constructor(fileSystem: FileSystem, folder: string, identity: ShardIdentity) {
    this.#fileSystem = fileSystem;
    this.#folder = folder;
    this.#identity = identity;
    fileSystem.makeFolder(folder);
    this.#file = fileSystem.create(`${folder}/${snapshotName(snapshotGeneration)}`);
    this.#snapshot = new SnapshotWriter(this.#file, {
      ...identity,
      generation: snapshotGeneration,
    });
  }

  /**
   * Callers add entries in (namespace, key) order, each once.
   *
   * @param entry encoded (record.ts)
   */
  add(namespace: string, entry: string): void {
    this.#snapshot.add(namespace, entry);
  }

  /** Makes the shard whole and durable. The caller must still call `close`. */
  finish({ seq, at }: ShardPosition): SnapshotReference {
    const snapshot = this.#snapshot.finish(seq, at);
    const mark = this.#beginJournal(seq, at);
    this.#fileSystem.syncFolder(this.#folder);
    const journals = [{ generation: journalGeneration }];
    const current = { snapshot, journals, previous: null, mark };
    writeCurrent(this.#fileSystem, this.#folder, this.#identity, current);
    return snapshot;
  }

  close(): void {
    this.#file.close();
  }

  /** No journal of generation 1 exists, so the header states that it ended before its first byte. */
  #beginJournal(seq: number, at: number): Mark {
    const previous = { generation: snapshotGeneration, bytes: 0, seq, crc: noChecksum };
    const header: JournalHeader = {
      ...this.#identity,
      generation: journalGeneration,
      seq,
      fsync: 'always',
      at,
      previous,
    };
    const line = sealLine(encodeJournalHeader(header), previous.crc).bytes;
    const bytes = Buffer.concat([line, Buffer.from('\n')]);
    createFile(this.#fileSystem, `${this.#folder}/${journalName(journalGeneration)}`, bytes);
    return { generation: journalGeneration, bytes: bytes.length };
  }
}
