// Continues a shard's files after a failed sync. The content of the journal is then unknown. So the
// shard never writes to that journal again, and disowns the bytes after its last good sync. This
// file prepares the next journal and current.json's content; shard-files.ts makes them live.
import type { Current } from '../../storage/current.ts';
import type { JournalEnd } from '../../storage/journal-format.ts';
import type { JournalWriter } from '../../storage/journal-writer.ts';
import type { ShardPlace } from '../shard-place.ts';
import type { EntryTable } from '../table/entry-table.ts';
import { carryOver, referTo, type NextHeader } from './next-journal.ts';
import { writeTableSnapshot } from './table-snapshot.ts';

/** The live files before the sync failed. */
export interface FilesBefore {
  readonly current: Current;
  readonly sealed: readonly JournalEnd[];
  /** Writer of the journal whose sync has failed. */
  readonly writer: JournalWriter;
}

/** The files that the shard continues with. */
export interface FilesAfter {
  readonly current: Current;
  readonly sealed: readonly JournalEnd[];
  /** Writer of the next journal, whose header is durable. */
  readonly next: JournalWriter;
}

type CreateJournal = (header: NextHeader) => JournalWriter;

/** Continues from the last good sync. In `always` it covers all visible changes. */
export function continueFromLastSync(
  { current, sealed, writer: { durableEnd, header } }: FilesBefore,
  createJournal: CreateJournal,
  at: number,
): FilesAfter {
  const { generation, bytes, seq } = durableEnd;
  const others = current.journals.filter((journal) => journal.generation !== generation);
  // If even the header is in doubt, the next journal replaces this one.
  const kept = bytes === 0 ? others : [...others, { generation, bytes }];
  const previous = bytes === 0 ? header.previous : durableEnd;
  const next = createJournal({ seq, fsync: header.fsync, at, previous });
  orClose(next, () => next.flushHeader());
  return {
    current: { ...current, journals: [...kept, referTo(next)] },
    sealed: bytes === 0 ? sealed : [...sealed, durableEnd],
    next,
  };
}

/**
 * Continues from memory: outside `always`, only memory is sure to hold all visible changes. Writes
 * the whole table as a snapshot.
 *
 * @param records of transactions, which no snapshot holds
 */
export function continueFromMemory(
  { writer: { end, header } }: FilesBefore,
  createJournal: CreateJournal,
  at: number,
  place: ShardPlace,
  table: EntryTable,
  records: Iterable<string>,
): FilesAfter {
  const { seq } = end;
  const snapshot = writeTableSnapshot(place, table, end.generation, seq, at);
  const next = createJournal({ seq, fsync: header.fsync, at, previous: end });
  orClose(next, () => {
    next.flushHeader();
    carryOver(next, records, at);
  });
  const current = { snapshot, journals: [referTo(next)], previous: null, mark: null };
  return { current, sealed: [], next };
}

function orClose(next: JournalWriter, work: () => void): void {
  try {
    work();
  } catch (error) {
    next.close();
    throw error;
  }
}
