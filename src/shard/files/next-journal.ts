// Creates a shard's next journal as a durable, empty file that no other file names yet. Does not
// make it live: shard-files.ts does.
import type { JournalReference } from '../../storage/current.ts';
import { journalName } from '../../storage/file-names.ts';
import type { JournalHeader } from '../../storage/journal-format.ts';
import { JournalWriter } from '../../storage/journal-writer.ts';
import type { ShardPlace } from '../shard-place.ts';

/** The part of the next journal's header that depends on the journal before it. */
export type NextHeader = Pick<JournalHeader, 'seq' | 'fsync' | 'at' | 'previous'>;

/**
 * @param mayGrowAhead whether the journal may grow ahead of its writes
 * @throws system errors
 */
export function createJournal(
  { fileSystem, folder, identity }: ShardPlace,
  generation: number,
  header: NextHeader,
  mayGrowAhead = true,
): JournalWriter {
  const path = `${folder}/${journalName(generation)}`;
  // An earlier attempt made this file, and current.json does not name it. After a failed sync
  // nothing may reuse a file.
  if (fileSystem.exists(path)) fileSystem.remove(path);
  const file = fileSystem.create(path);
  try {
    file.sync();
    fileSystem.syncFolder(folder);
  } catch (error) {
    file.close();
    throw error;
  }
  return JournalWriter.begin(file, { ...identity, generation, ...header }, mayGrowAhead);
}

export function referTo({ header: { generation } }: JournalWriter): JournalReference {
  return { generation };
}

/** Writes the records to another journal, durably. */
export function carryOver(writer: JournalWriter, records: Iterable<string>, at: number): void {
  for (const record of records) writer.append([record], at);
  writer.sync();
}
