// All entries of one shard, or of one of its namespaces, in (namespace, key) order. Reads immutable
// files: the snapshot, and the journals after it. Verifies everything that it reads. Memory: the last change of each key in the
// journals. Knows no live file, and does not judge expiry.
import { byteStringOfText } from '../../base/byte-string.ts';
import type { ShardLocation } from '../../base/shard-location.ts';
import { damaged } from '../../storage/damage.ts';
import { journalName, snapshotName } from '../../storage/file-names.ts';
import type { FileSystem } from '../../storage/file-system.ts';
import type { JournalEnd, JournalLine } from '../../storage/journal-format.ts';
import { JournalReader } from '../../storage/journal-reader.ts';
import type { EntryRecord } from '../../storage/record.ts';
import type { ParseLine } from '../../storage/large-values.ts';
import type { NamespaceRange } from '../../storage/snapshot-format.ts';
import { readSnapshotFooter } from '../../storage/snapshot-footer.ts';
import { openSnapshot } from '../../storage/snapshot-part.ts';
import type { SealedFiles } from '../files/shard-files.ts';
import { RecordReplay, type ReplayedChange } from '../recovery/record-replay.ts';

export interface StreamSource extends SealedFiles {
  /** Ids of transactions that are committed although these files record no outcome for them. */
  readonly committed?: ReadonlySet<string>;
}

export interface StreamOptions {
  /** Reads the entries of no other namespace; undefined: all of them. */
  readonly namespace?: string | undefined;
  /** Reads the lines; undefined: `parseLine`. */
  readonly parse?: ParseLine | undefined;
}

export interface EntryPosition {
  readonly namespace: string;
  /** A byte string. */
  readonly key: string;
}

export interface StreamedEntry extends EntryPosition {
  readonly version: number;
  /** The record as its file has it; record.ts encodes the record, or gives its value. */
  readonly record: Omit<EntryRecord, 'version'>;
}

export function compareEntries(a: EntryPosition, b: EntryPosition): number {
  if (a.namespace !== b.namespace) return a.namespace < b.namespace ? -1 : 1;
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

export class EntryStream {
  readonly #fileSystem: Pick<FileSystem, 'openReadOnly'>;
  readonly #location: ShardLocation;
  readonly #source: StreamSource;
  readonly #only: string | undefined;
  readonly #parse: ParseLine | undefined;
  /** Namespaces whose entries in the snapshot are all deleted. */
  readonly #flushed = new Set<string>();
  #seq = 1;
  #at = 0;

  constructor(
    fileSystem: Pick<FileSystem, 'openReadOnly'>,
    location: ShardLocation,
    source: StreamSource,
    { namespace, parse }: StreamOptions = {},
  ) {
    this.#fileSystem = fileSystem;
    this.#location = location;
    this.#source = source;
    this.#only = namespace;
    this.#parse = parse;
  }

  /** The seq that the next change would take. Valid after the caller has read all entries. */
  get seq(): number {
    return this.#seq;
  }

  /** The highest timestamp in the files. Valid after the caller has read all entries. */
  get at(): number {
    return this.#at;
  }

  /**
   * All entries. The caller may read them once.
   *
   * @throws StoreError STORE_DAMAGED if a file is not valid; system errors
   */
  *entries(): Generator<StreamedEntry, void, void> {
    const changes = this.#readChanges();
    const entries = this.#readSnapshot();
    try {
      let entry = entries.next();
      for (const { namespace, key, version, record } of changes) {
        const change = { namespace, key };
        while (!entry.done && compareEntries(entry.value, change) < 0) {
          yield entry.value;
          entry = entries.next();
        }
        // If both have a key, the change replaces the entry.
        if (!entry.done && compareEntries(entry.value, change) === 0) entry = entries.next();
        if (record.op === 'put') yield { namespace, key, version, record };
      }
      for (; !entry.done; entry = entries.next()) yield entry.value;
    } finally {
      // No `for` loop ends this generator if the reader stops early: its file would stay open.
      entries.return();
    }
  }

  /**
   * The namespaces that have entries, in place of the entries. Reads no block of the snapshot, so it
   * also names a namespace whose entries were all deleted one by one since the last compaction.
   *
   * @throws StoreError STORE_DAMAGED if the footer or a journal is not valid; system errors
   */
  namespaces(): Set<string> {
    const puts = this.#readChanges().filter(({ record }) => record.op === 'put');
    const kept = this.#rangesOfSnapshot().filter(({ namespace }) => !this.#flushed.has(namespace));
    return new Set([...kept, ...puts].map(({ namespace }) => namespace));
  }

  #rangesOfSnapshot(): readonly NamespaceRange[] {
    const { snapshot } = this.#source;
    if (snapshot === null) return [];
    const { folder, name } = this.#location;
    const fileName = snapshotName(snapshot.generation);
    const file = this.#fileSystem.openReadOnly(`${folder}/${fileName}`);
    try {
      return readSnapshotFooter(file, `${name}/${fileName}`, snapshot).footer.namespaces;
    } finally {
      file.close();
    }
  }

  *#readSnapshot(): Generator<StreamedEntry, void, void> {
    const { snapshot } = this.#source;
    if (snapshot === null) return;
    const { folder, name, identity } = this.#location;
    const fileName = snapshotName(snapshot.generation);
    const file = this.#fileSystem.openReadOnly(`${folder}/${fileName}`);
    try {
      const only = this.#only;
      const path = `${name}/${fileName}`;
      const reader = openSnapshot(file, path, identity, snapshot, only, this.#parse);
      const isFlushed = only !== undefined && this.#flushed.has(only);
      for (const { namespace, entries } of isFlushed ? [] : reader.blocks()) {
        if (this.#flushed.has(namespace)) continue;
        for (const record of entries) {
          const key = byteStringOfText(record.key);
          yield { namespace, key, version: record.version, record };
        }
      }
      this.#seq = Math.max(this.#seq, reader.footer.seq);
      this.#at = Math.max(this.#at, reader.footer.at);
    } finally {
      file.close();
    }
  }

  /** The last change of each key, sorted. */
  #readChanges(): ReplayedChange[] {
    const namespaces = new Map<string, Map<string, ReplayedChange>>();
    const replay = new RecordReplay({
      change: (change) => {
        if (this.#only !== undefined && change.namespace !== this.#only) return;
        const changes = namespaces.get(change.namespace) ?? new Map<string, ReplayedChange>();
        namespaces.set(change.namespace, changes);
        changes.set(change.key, change);
      },
      flush: (namespace) => {
        namespaces.delete(namespace);
        this.#flushed.add(namespace);
      },
    });
    const { journals, committed = new Set() } = this.#source;
    for (const end of journals) {
      this.#readJournal(end, ({ records, seq }) => replay.take(records, seq));
    }
    for (const transaction of replay.prepared.keys()) {
      if (committed.has(transaction)) replay.resolve(transaction, true);
    }
    return [...namespaces.values()]
      .flatMap((changes) => [...changes.values()])
      .toSorted(compareEntries);
  }

  #readJournal(end: JournalEnd, onLine: (line: JournalLine) => void): void {
    const { folder, name } = this.#location;
    const fileName = journalName(end.generation);
    const file = this.#fileSystem.openReadOnly(`${folder}/${fileName}`);
    try {
      const reading = new JournalReader(file, onLine, this.#parse).read(end.bytes);
      if (reading.bytes !== end.bytes || reading.crc !== end.crc || reading.nextSeq !== end.seq) {
        const { bad, nextSeq } = reading;
        const position = { file: `${name}/${fileName}`, offset: reading.bytes, seq: nextSeq };
        throw damaged(position, bad?.reason ?? `it should end at offset ${end.bytes}`);
      }
      this.#seq = Math.max(this.#seq, reading.nextSeq);
      this.#at = Math.max(this.#at, reading.at);
    } finally {
      file.close();
    }
  }
}
