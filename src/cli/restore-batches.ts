// Groups the entries of one namespace of a backup into batches for a server. A batch has a bounded
// number of entries and bytes. Knows no server, and judges no deadline.
import type { EntryRecord } from '../storage/record.ts';

/** Small enough for every server, and large enough that its entries share syncs. */
const entriesMax = 1000;
const charactersMax = 1024 * 1024;

/** @returns batches in order; none is empty. One large entry may exceed the bound alone. */
export function* batchesOf(
  entries: Iterable<EntryRecord>,
): Generator<readonly EntryRecord[], void, void> {
  let batch: EntryRecord[] = [];
  let characters = 0;
  for (const entry of entries) {
    const size = charactersOf(entry);
    const isFull = batch.length === entriesMax || characters + size > charactersMax;
    if (isFull && batch.length > 0) {
      yield batch;
      batch = [];
      characters = 0;
    }
    batch.push(entry);
    characters += size;
  }
  if (batch.length > 0) yield batch;
}

function charactersOf({ key, value, valueBase64 }: EntryRecord): number {
  return key.length + (value ?? valueBase64 ?? '').length;
}
