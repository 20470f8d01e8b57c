// The error for operations that are refused because too many are waiting already.
import { retrySoon, StoreError, type ErrorFacts } from './errors.ts';

/** @param detail a sentence that names the full queue */
export function overloaded(
  detail = 'Too many operations wait for a shard already.',
  facts: Pick<ErrorFacts, 'limit' | 'retryAfterMs'> = {},
): StoreError {
  return new StoreError('OVERLOADED', detail, { ...retrySoon, ...facts });
}
