// Values that a reply over one moment gives back, counted before anything is changed: what can not be
// given back must not be carried out.
import type { StoreError } from '../../base/errors.ts';
import type { EntryResult } from '../../store/result.ts';
import type { MomentResult } from './moment-run.ts';

export type RefuseValue = (bytes: number) => StoreError | undefined;

/**
 * What was read has been counted; a value that is given once more, or is new, has not.
 *
 * @throws StoreError where there is no room for one
 */
export function countGiven(
  results: readonly MomentResult[],
  read: readonly (EntryResult | undefined)[],
  refuse: RefuseValue,
): void {
  const counted = new Set(read.map((entry) => entry?.value));
  for (const result of results) {
    if (result.kind !== 'entry' || result.value === undefined) continue;
    if (counted.delete(result.value)) continue;
    const error = refuse(result.size);
    if (error !== undefined) throw error;
  }
}
