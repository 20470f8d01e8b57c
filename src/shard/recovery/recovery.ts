// Recovery: live files -> table. Reads and verifies every live file, and changes none. The result
// says which torn tails to cut and in which journal to continue; start-files.ts does that.
// ARCHITECTURE.md has the steps by number. Knows no other shard: the caller resolves transactions in
// doubt.
import { byteStringOfText } from '../../base/byte-string.ts';
import type { HashKey } from '../../base/entry-hash.ts';
import { heapTooSmall } from '../../protocol/heap-too-small.ts';
import { readCurrent, type Current, type JournalReference } from '../../storage/current.ts';
import { damaged, unreadable } from '../../storage/damage.ts';
import { currentName, journalName, snapshotName } from '../../storage/file-names.ts';
import type { JournalEnd, JournalHeader } from '../../storage/journal-format.ts';
import { JournalReader, type JournalReading } from '../../storage/journal-reader.ts';
import { valueOfRecord } from '../../storage/record.ts';
import { openSnapshot } from '../../storage/snapshot-part.ts';
import type { TransactionTraces } from '../../storage/transaction-outcome.ts';
import { EntryTable } from '../table/entry-table.ts';
import { unlimitedMemory, type MemoryLimits } from '../table/memory-limits.ts';
import type { TornTail } from '../../protocol/shard-task.ts';
import type { ShardPlace } from '../shard-place.ts';
import { RecordReplay, type ReplayedChange, type ReplaySink } from './record-replay.ts';

/** The live files and the journal to continue in, without the entries. */
export interface ProvedShard {
  readonly current: Current;
  /** Ends of the immutable live journals, oldest first. */
  readonly sealed: readonly JournalEnd[];
  /** The journal to continue in. Its header is undefined if the shard has not written one yet. */
  readonly openJournal: {
    readonly header: JournalHeader | undefined;
    readonly end: JournalEnd;
    /** The journal is on stable storage at least up to this offset, as marks say. */
    readonly durableBytes: number;
  };
  readonly torn: readonly TornTail[];
  /** The highest timestamp in any file, Unix milliseconds. */
  readonly at: number;
  /**
   * True if changes that readers saw may be missing at the end: the shard must not reuse their seqs.
   */
  readonly mayHaveLostEnd: boolean;
  /** Records of transactions over several shards. */
  readonly traces: TransactionTraces;
}

export interface Recovered extends ProvedShard {
  /** Lacks the changes of transactions that are in doubt in this shard. */
  readonly table: EntryTable;
  readonly traces: RecordReplay;
}

/** Receives entries and changes in the order in which the shard made them. */
type EntrySink = Pick<EntryTable, 'set' | 'delete'>;

const noSink: ReplaySink = { change: () => undefined, flush: () => undefined };

function changeIn(sink: EntrySink, { namespace, key, version, record }: ReplayedChange): void {
  if (record.op === 'delete') {
    sink.delete(namespace, key);
  } else {
    const { expiresAt } = record;
    sink.set({ namespace, key, value: valueOfRecord(record), version, expiresAt });
  }
}

interface ReadJournal extends JournalReference {
  readonly name: string;
  readonly reading: JournalReading;
  /** Length of the file, in bytes. */
  readonly fileBytes: number;
}

/**
 * Reads all live files into a table. Changes nothing.
 *
 * @throws StoreError STORE_DAMAGED or STORE_MISMATCH if a live file is not valid; STORE_MISMATCH
 *   if the entries do not fit into memory
 */
export function recoverShard(
  place: ShardPlace,
  memory: MemoryLimits = unlimitedMemory,
  hashKey?: HashKey,
): Recovered {
  const table = new EntryTable(hashKey);
  const onLine = (): void => {
    table.commit();
    if (table.memoryBytes <= memory.workBytesMax) return;
    table.reclaim(Infinity);
    if (table.memoryBytes > memory.workBytesMax) throw heapTooSmall(place.name);
  };
  const traces = new RecordReplay({
    change: (change) => changeIn(table, change),
    flush: (namespace) => table.flush(namespace),
  });
  return { ...new Recovery(place, table, traces, onLine).run(), table, traces };
}

/**
 * Verifies the files without keeping entries, so that it needs little memory.
 *
 * @param namespace verifies no other namespace of the snapshot; undefined: all of them
 * @returns the state from which a start would continue
 * @throws StoreError as `recoverShard`, except for entries that do not fit into memory
 */
export function proveShard(place: ShardPlace, namespace?: string): ProvedShard {
  return new Recovery(place, undefined, new RecordReplay(noSink)).run(namespace);
}

class Recovery {
  readonly #place: ShardPlace;
  readonly #current: Current;
  readonly #sink: EntrySink | undefined;
  readonly #replay: RecordReplay;
  readonly #onLine: () => void;
  #at = 0;
  #nextSeq = 1;

  /**
   * @param sink receives the snapshot's entries
   * @param replay receives the journals' records
   * @param onLine called after the entries or records of each line
   */
  constructor(
    place: ShardPlace,
    sink: EntrySink | undefined,
    replay: RecordReplay,
    onLine: () => void = () => undefined,
  ) {
    this.#place = place;
    this.#sink = sink;
    this.#replay = replay;
    this.#onLine = onLine;
    const { fileSystem, folder, name, identity } = place;
    this.#current = readCurrent(fileSystem, folder, `${name}/${currentName}`, identity);
  }

  /** @param namespace reads no other namespace of the snapshot; undefined: all of them */
  run(namespace?: string): ProvedShard {
    this.#readSnapshot(namespace);
    const journals = this.#current.journals.map((reference) => this.#readJournal(reference));
    const openIndex = Math.max(
      0,
      journals.findLastIndex(({ reading }) => reading.header !== undefined),
    );
    for (const [index, journal] of journals.entries())
      this.#checkHeader(journal, journals[index - 1]);
    for (const [index, journal] of journals.slice(0, openIndex).entries()) {
      this.#checkSealed(journal, journals[index + 1]?.reading.header?.previous ?? null);
    }
    const open = journals.slice(openIndex);
    const torn = open.flatMap((journal) => this.#judgeOpen(journal));
    const openJournal = open[0];
    if (openJournal === undefined)
      throw damaged({ file: this.#name(currentName) }, 'it names no journal');
    // A crash may leave one more journal: made and named, but without its header.
    if (open.length > 2) {
      throw damaged({ file: open[1]?.name ?? '' }, 'the journal has no header');
    }
    const { header } = openJournal.reading;
    return {
      current: this.#current,
      sealed: journals.slice(0, openIndex).map((journal) => this.#endOf(journal)),
      openJournal: {
        header,
        end: this.#endOf(openJournal),
        durableBytes: this.#durableBytesOf(openJournal),
      },
      torn,
      at: this.#at,
      traces: this.#replay,
      mayHaveLostEnd:
        header !== undefined && header.fsync !== 'always' && !openJournal.reading.isStopped,
    };
  }

  #name(file: string): string {
    return `${this.#place.name}/${file}`;
  }

  #readSnapshot(only: string | undefined): void {
    const { snapshot } = this.#current;
    if (snapshot === null) return;
    const { fileSystem, folder, identity } = this.#place;
    const file = snapshotName(snapshot.generation);
    const path = `${folder}/${file}`;
    if (!fileSystem.exists(path)) throw damaged({ file: this.#name(file) }, 'the file is missing');
    const open = fileSystem.openReadOnly(path);
    try {
      const reader = openSnapshot(open, this.#name(file), identity, snapshot, only);
      for (const { namespace, entries } of reader.blocks()) {
        if (this.#sink === undefined) continue;
        for (const record of entries) {
          const { version, expiresAt } = record;
          const key = byteStringOfText(record.key);
          this.#sink.set({ namespace, key, value: valueOfRecord(record), version, expiresAt });
        }
        this.#onLine();
      }
      this.#nextSeq = reader.footer.seq;
      this.#at = reader.footer.at;
    } finally {
      open.close();
    }
  }

  #readJournal(reference: JournalReference): ReadJournal {
    const { fileSystem, folder } = this.#place;
    const file = journalName(reference.generation);
    const path = `${folder}/${file}`;
    const name = this.#name(file);
    if (!fileSystem.exists(path)) throw damaged({ file: name }, 'the file is missing');
    const open = fileSystem.openReadOnly(path);
    try {
      const reading = new JournalReader(open, ({ records, seq }) => {
        this.#replay.take(records, seq);
        this.#onLine();
      }).read(reference.bytes);
      if (reading.isUnknown) {
        const { offset, line } = reading.bad ?? { offset: 0, line: 1 };
        throw unreadable(
          { file: `${name}, line ${line}, offset ${offset}` },
          'a line is of an unknown kind',
        );
      }
      this.#at = Math.max(this.#at, reading.at);
      return { ...reference, name, reading, fileBytes: open.size() };
    } finally {
      open.close();
    }
  }

  /** Checks that the journal is this shard's, and that it follows the file before it. */
  #checkHeader(journal: ReadJournal, before: ReadJournal | undefined): void {
    const { header } = journal.reading;
    const { snapshot } = this.#current;
    const position = { file: journal.name, line: 1, offset: 0 };
    if (header === undefined) {
      // A rotation is durable before a compaction begins: only the last journals may lack a header.
      if (before === undefined && snapshot !== null)
        throw damaged(position, 'the header is missing');
      return;
    }
    const { store, shard } = this.#place.identity;
    if (header.store !== store || header.shard !== shard) {
      throw damaged(position, `it belongs to shard ${header.shard} of store ${header.store}`);
    }
    if (header.generation !== journal.generation) {
      throw damaged(position, `it is of generation ${header.generation}`);
    }
    const expected = before?.generation ?? snapshot?.generation;
    if (header.previous?.generation !== expected) {
      throw damaged(position, `it does not follow generation ${expected ?? 'none'}`);
    }
    if (before === undefined && (header.previous?.seq ?? 1) !== this.#nextSeq) {
      throw damaged(
        position,
        `seq ${this.#nextSeq} expected before it, ${header.previous?.seq} found`,
      );
    }
    if (header.seq < (header.previous?.seq ?? 1)) throw damaged(position, 'seq went back');
  }

  /** Checks that a sealed journal ends exactly at the end that the next header states. */
  #checkSealed({ name, reading }: ReadJournal, stated: JournalEnd | null): void {
    const { bad, bytes, nextSeq, crc } = reading;
    if (bad !== undefined) throw damaged({ file: name, ...bad, seq: nextSeq }, bad.reason);
    const isWhole = stated?.bytes === bytes && stated.crc === crc && stated.seq === nextSeq;
    if (!isWhole) {
      const position = { file: name, offset: bytes, seq: nextSeq };
      throw damaged(position, `it should end at offset ${stated?.bytes}, seq ${stated?.seq}`);
    }
  }

  /**
   * Decides whether a bad line is a torn tail or damage. Behind the last sync a crash may leave any
   * bytes, and no client heard that they were synced. So a start cuts the journal at the first bad
   * line. A bad line below the offset that is known to be synced is damage.
   */
  #judgeOpen(journal: ReadJournal): TornTail[] {
    const { generation, name, reading, fileBytes } = journal;
    const durable = this.#durableBytesOf(journal);
    const { bytes, bad, nextSeq } = reading;
    if (bytes < durable) {
      const position = { file: name, line: bad?.line, offset: bytes, seq: nextSeq };
      throw damaged(
        position,
        `${bad?.reason ?? 'the file ends here'}, but ${durable} bytes were synced`,
      );
    }
    if (bad === undefined) return [];
    return [{ generation, bytes, reason: bad.reason, cutBytes: fileBytes - bytes }];
  }

  /**
   * The highest mark in the journal's own lines or in current.json, or the length that current.json
   * states.
   */
  #durableBytesOf({ generation, bytes = 0, reading }: ReadJournal): number {
    const { mark } = this.#current;
    const marked = mark?.generation === generation ? mark.bytes : 0;
    return Math.max(reading.durableBytes, marked, bytes);
  }

  #endOf({ generation, reading }: ReadJournal): JournalEnd {
    const { bytes, crc, header } = reading;
    const seq = header === undefined ? this.#nextSeq : reading.nextSeq;
    return { generation, bytes, crc, seq };
  }
}
