// Raises the last fence of each namespace on its way into a restored or repaired store. The original store has
// given more fences than the backup or the salvaged files tell, and holders may still use them. No such store
// gives one of them again.
import type { StreamedEntry } from '../shard/streams/entry-stream.ts';
import { decodeFence, encodeFence, lastFenceRestored } from '../locks/fence.ts';
import { isEntryOfFence } from '../locks/lock-names.ts';
import { valueOfRecord } from '../storage/record.ts';

/** @param now Unix milliseconds by the wall clock */
export function* withRaisedFences(
  entries: Iterable<StreamedEntry>,
  now: number,
): Generator<StreamedEntry, void, void> {
  for (const entry of entries) yield isEntryOfFence(entry) ? raised(entry, now) : entry;
}

function raised({ record, ...position }: StreamedEntry, now: number): StreamedEntry {
  const last = lastFenceRestored(decodeFence(Buffer.from(valueOfRecord(record), 'latin1')), now);
  return { ...position, record: { key: record.key, value: encodeFence(last).toString('latin1') } };
}
