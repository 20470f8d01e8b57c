// Old snapshot + sealed journals -> new snapshot, in one streaming pass over immutable files.
// Memory: the last change of each key in the journals. Judges no expiry.
import { byteStringOfText } from '../base/byte-string.ts';
import { damaged } from '../storage/damage.ts';
import type { SnapshotReference } from '../storage/current.ts';
import { journalName, snapshotName, temporarySuffix } from '../storage/file-names.ts';
import type { OpenFile } from '../storage/file-system.ts';
import type { JournalEnd, JournalLine } from '../storage/journal-format.ts';
import { JournalReader } from '../storage/journal-reader.ts';
import { defaultNamespace, encodeEntry, type ChangeRecord } from '../storage/record.ts';
import { SnapshotReader } from '../storage/snapshot-reader.ts';
import { SnapshotWriter } from '../storage/snapshot-writer.ts';
import type { ShardPlace } from './recovery.ts';
import type { CompactionInput } from './shard-files.ts';

interface SortedItem {
  readonly namespace: string;
  readonly key: string;
  /** Encoded for the snapshot; undefined where the key is deleted. */
  readonly entry: string | undefined;
}

interface LastChange {
  readonly record: ChangeRecord;
  readonly version: number;
}

interface Position {
  seq: number;
  at: number;
}

/**
 * Writes the snapshot, whole and durable under its name; the live files are not touched.
 *
 * @throws StoreError STORE_DAMAGED where a source is not what it must be; system errors. The
 *   unfinished file is removed.
 */
export function compact(place: ShardPlace, input: CompactionInput): SnapshotReference {
  const { fileSystem, folder, identity } = place;
  const generation = input.journals.at(-1)?.generation ?? 0;
  const path = `${folder}/${snapshotName(generation)}`;
  const temporary = path + temporarySuffix;
  if (fileSystem.exists(temporary)) fileSystem.remove(temporary);
  const file = fileSystem.create(temporary);
  try {
    const position: Position = { seq: 1, at: 0 };
    const changes = readChanges(place, input.journals, position);
    const writer = new SnapshotWriter(file, { ...identity, generation });
    for (const { namespace, entry } of merge(readEntries(place, input, position), changes)) {
      if (entry !== undefined) writer.add(namespace, entry);
    }
    const { bytes, entries, crc } = writer.finish(position.seq, position.at);
    const reference = { generation, bytes, entries, crc };
    verify(place, file, reference);
    fileSystem.rename(temporary, path);
    fileSystem.syncFolder(folder);
    return reference;
  } catch (error) {
    if (fileSystem.exists(temporary)) fileSystem.remove(temporary);
    throw error;
  } finally {
    file.close();
  }
}

/** Reads back what was written: a snapshot replaces the files it was made from. */
function verify(place: ShardPlace, file: OpenFile, reference: SnapshotReference): void {
  const name = `${place.name}/${snapshotName(reference.generation)}`;
  const expected = { ...place.identity, generation: reference.generation };
  const blocks = new SnapshotReader(file, name, expected, reference).blocks();
  while (blocks.next().done !== true);
}

function compare(a: SortedItem, b: SortedItem): number {
  if (a.namespace !== b.namespace) return a.namespace < b.namespace ? -1 : 1;
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

/** Both sorted; where both have a key, the change counts. */
function* merge(
  entries: Generator<SortedItem, void, void>,
  changes: readonly SortedItem[],
): Generator<SortedItem, void, void> {
  try {
    let entry = entries.next();
    for (const change of changes) {
      while (!entry.done && compare(entry.value, change) < 0) {
        yield entry.value;
        entry = entries.next();
      }
      if (!entry.done && compare(entry.value, change) === 0) entry = entries.next();
      yield change;
    }
    for (; !entry.done; entry = entries.next()) yield entry.value;
  } finally {
    // Driven by hand, it does not end by itself when the writer fails: its file would stay open.
    entries.return();
  }
}

function* readEntries(
  place: ShardPlace,
  { snapshot }: CompactionInput,
  position: Position,
): Generator<SortedItem, void, void> {
  if (snapshot === null) return;
  const name = snapshotName(snapshot.generation);
  const file = place.fileSystem.openReadOnly(`${place.folder}/${name}`);
  try {
    const expected = { ...place.identity, generation: snapshot.generation };
    const reader = new SnapshotReader(file, `${place.name}/${name}`, expected, snapshot);
    for (const { namespace, entries } of reader.blocks()) {
      for (const record of entries) {
        const key = byteStringOfText(record.key);
        yield { namespace, key, entry: encodeEntry(record, record.version) };
      }
    }
    position.at = Math.max(position.at, reader.footer.at);
  } finally {
    file.close();
  }
}

/** The last change of each key, sorted. */
function readChanges(
  place: ShardPlace,
  journals: readonly JournalEnd[],
  position: Position,
): SortedItem[] {
  const namespaces = new Map<string, Map<string, LastChange>>();
  for (const end of journals) {
    readJournal(place, end, position, (line) => {
      for (const [index, record] of line.records.entries()) {
        const namespace = record.namespace ?? defaultNamespace;
        const changes = namespaces.get(namespace) ?? new Map<string, LastChange>();
        namespaces.set(namespace, changes);
        changes.set(byteStringOfText(record.key), { record, version: line.seq + index });
      }
    });
  }
  const items = [...namespaces].flatMap(([namespace, changes]) =>
    Array.from(changes, ([key, change]) => ({ namespace, key, entry: encodeLast(change) })),
  );
  return items.toSorted(compare);
}

function encodeLast({ record, version }: LastChange): string | undefined {
  return record.op === 'delete' ? undefined : encodeEntry(record, version);
}

function readJournal(
  place: ShardPlace,
  end: JournalEnd,
  position: Position,
  onLine: (line: JournalLine) => void,
): void {
  const name = journalName(end.generation);
  const file = place.fileSystem.openReadOnly(`${place.folder}/${name}`);
  try {
    const reading = new JournalReader(file, onLine).read(end.bytes);
    if (reading.bytes !== end.bytes || reading.crc !== end.crc || reading.nextSeq !== end.seq) {
      const { bad, nextSeq } = reading;
      const where = { file: `${place.name}/${name}`, offset: reading.bytes, seq: nextSeq };
      throw damaged(where, bad?.reason ?? `it should end at offset ${end.bytes}`);
    }
    position.seq = reading.nextSeq;
    position.at = Math.max(position.at, reading.at);
  } finally {
    file.close();
  }
}
