// Reads a record of the server after a change whose outcome is unknown.
import type { EntryName } from '../store/operation.ts';
import type { EntryResult } from '../store/result.ts';
import type { Store } from '../store/store.ts';

/**
 * Reads behind all that was queued for the record's shard before. A plain read will not do: it may be
 * answered directly while the shard does not serve. Its answer tells nothing then: a start after a crash
 * may commit the change.
 *
 * @returns undefined if there is no such record; `unknown` if the store cannot tell now
 */
export async function readRecord(
  store: Pick<Store, 'transact'>,
  name: EntryName,
): Promise<EntryResult | undefined | 'unknown'> {
  const result = await store.transact([{ ...name, isReadOnly: true }], ({ entries }) => ({
    output: entries[0],
    changes: [undefined],
  }));
  return result.kind === 'committed' ? result.output : 'unknown';
}
