// Counts the values that a reply over one moment gives back, before the store changes anything. An
// operation must not be carried out if the reply has no room for its value.
import type { EntryResult } from '../../../store/result.ts';
import type { SubmitOptions } from '../../../store/store.ts';
import type { MomentResult } from '../../../store/moment-run.ts';

/**
 * Counts the values that results give back once more, or that are new. The store has counted the
 * values that it read.
 *
 * @throws StoreError if there is no room for a value
 */
export function countGiven(
  results: readonly MomentResult[],
  read: readonly (EntryResult | undefined)[],
  { reserveReplyBytes }: SubmitOptions,
): void {
  const counted = new Set(read.map((entry) => entry?.value));
  for (const result of results) {
    if (result.kind !== 'entry' || result.value === undefined) continue;
    if (counted.delete(result.value)) continue;
    const error = reserveReplyBytes?.(result.size);
    if (error !== undefined) throw error;
  }
}
