// Reads how long a read of a key may wait for a change. Knows no store.
import { StoreError } from '../../../base/errors.ts';
import { durationMsOf } from '../duration.ts';

/** Five minutes: proxies and clients give up on longer ones. */
export const waitMsMax = 300_000;

/** @returns milliseconds; 0 is no wait */
export function parseWait(text: string): number {
  const waitMs = durationMsOf(text);
  if (waitMs !== undefined && waitMs <= waitMsMax) return waitMs;
  const detail =
    'wait must be an integer of seconds, or one with a unit: ms, s, m, h or d. At most 5 minutes (5m).';
  throw new StoreError('BAD_REQUEST', detail, { parameter: 'wait', limit: waitMsMax });
}
