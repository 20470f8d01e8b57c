// All entries of one shard in (namespace, key) order, from files that nobody writes any more: its
// snapshot, and the journals behind it. Proves everything on the way. Memory: the last change of
// each key in the journals. Judges no expiry.
import { byteStringOfText } from '../base/byte-string.ts';
import type { SnapshotReference } from '../storage/current.ts';
import { damaged } from '../storage/damage.ts';
import { journalName, snapshotName } from '../storage/file-names.ts';
import type { FileSystem } from '../storage/file-system.ts';
import type { JournalEnd, JournalLine } from '../storage/journal-format.ts';
import { JournalReader } from '../storage/journal-reader.ts';
import type { EntryRecord } from '../storage/record.ts';
import { SnapshotReader } from '../storage/snapshot-reader.ts';
import { resolveInDoubt } from '../storage/transaction-outcome.ts';
import { RecordReplay, type ReplayedChange } from './record-replay.ts';
import type { ProvedShard, ShardPlace } from './recovery.ts';

/** Files of a shard that nobody writes any more. */
export interface StreamSource {
  readonly snapshot: SnapshotReference | null;
  /** Oldest first, each with at least its header. */
  readonly journals: readonly JournalEnd[];
  /** Transactions that are committed though their part has no note in these files. */
  readonly committed?: ReadonlySet<string>;
}

export interface EntryPosition {
  readonly namespace: string;
  /** As byte string. */
  readonly key: string;
}

export interface StreamedEntry extends EntryPosition {
  readonly version: number;
  /** As it stands in its file; record.ts encodes it, or gives its value. */
  readonly record: Omit<EntryRecord, 'version'>;
}

export function compareEntries(a: EntryPosition, b: EntryPosition): number {
  if (a.namespace !== b.namespace) return a.namespace < b.namespace ? -1 : 1;
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

/** All it asks of a file system is to open files. */
export interface StreamPlace extends Omit<ShardPlace, 'fileSystem'> {
  readonly fileSystem: Pick<FileSystem, 'openReadOnly'>;
}

export class EntryStream {
  readonly #place: StreamPlace;
  readonly #source: StreamSource;
  /** Namespaces of which nothing in the snapshot counts any more. */
  readonly #flushed = new Set<string>();
  #seq = 1;
  #at = 0;

  constructor(place: StreamPlace, source: StreamSource) {
    this.#place = place;
    this.#source = source;
  }

  /** The seq that the next change would take. Only after all entries were read. */
  get seq(): number {
    return this.#seq;
  }

  /** The highest stamp in the files. Only after all entries were read. */
  get at(): number {
    return this.#at;
  }

  /**
   * To be read once.
   *
   * @throws StoreError STORE_DAMAGED where a file is not what it must be; system errors
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
        // Where both have a key, the change counts.
        if (!entry.done && compareEntries(entry.value, change) === 0) entry = entries.next();
        if (record.op === 'put') yield { namespace, key, version, record };
      }
      for (; !entry.done; entry = entries.next()) yield entry.value;
    } finally {
      // Driven by hand, it does not end by itself when the reader stops: its file would stay open.
      entries.return();
    }
  }

  *#readSnapshot(): Generator<StreamedEntry, void, void> {
    const { snapshot } = this.#source;
    if (snapshot === null) return;
    const { fileSystem, folder, name, identity } = this.#place;
    const fileName = snapshotName(snapshot.generation);
    const file = fileSystem.openReadOnly(`${folder}/${fileName}`);
    try {
      const expected = { ...identity, generation: snapshot.generation };
      const reader = new SnapshotReader(file, `${name}/${fileName}`, expected, snapshot);
      for (const { namespace, entries } of reader.blocks()) {
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
    const { fileSystem, folder, name } = this.#place;
    const fileName = journalName(end.generation);
    const file = fileSystem.openReadOnly(`${folder}/${fileName}`);
    try {
      const reading = new JournalReader(file, onLine).read(end.bytes);
      if (reading.bytes !== end.bytes || reading.crc !== end.crc || reading.nextSeq !== end.seq) {
        const { bad, nextSeq } = reading;
        const where = { file: `${name}/${fileName}`, offset: reading.bytes, seq: nextSeq };
        throw damaged(where, bad?.reason ?? `it should end at offset ${end.bytes}`);
      }
      this.#seq = Math.max(this.#seq, reading.nextSeq);
      this.#at = Math.max(this.#at, reading.at);
    } finally {
      file.close();
    }
  }
}

/**
 * What a start would recover of each shard: the valid part of all that is live.
 *
 * @param shards all of a store's, by number: together they say how transactions were decided
 */
export function liveSources(shards: readonly ProvedShard[]): StreamSource[] {
  const outcomes = resolveInDoubt(shards.map(({ traces }) => traces));
  const committed = new Set(
    [...outcomes].flatMap(([id, isCommitted]) => (isCommitted ? [id] : [])),
  );
  return shards.map(({ current, sealed, tail }) => {
    // Without a header there is nothing in it.
    const journals = [...sealed, tail.end].filter(({ bytes }) => bytes > 0);
    return { snapshot: current.snapshot, journals, committed };
  });
}

/** The same as streams of entries. */
export function entriesOf(
  places: readonly ShardPlace[],
  shards: readonly ProvedShard[],
): Generator<StreamedEntry, void, void>[] {
  const sources = liveSources(shards);
  return places.flatMap((place, shard) => {
    const source = sources[shard];
    return source === undefined ? [] : [new EntryStream(place, source).entries()];
  });
}
