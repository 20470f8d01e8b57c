// The error for operations that are refused because too much is waiting already.
import { retrySoon, StoreError, type ErrorFacts } from './errors.ts';

/** @param detail what is full, as a sentence */
export function overloaded(
  detail = 'Too many operations wait for a shard already.',
  facts: Pick<ErrorFacts, 'limit' | 'retryAfterMs'> = {},
): StoreError {
  return new StoreError('OVERLOADED', detail, { ...retrySoon, ...facts });
}
