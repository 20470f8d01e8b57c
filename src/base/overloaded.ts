// The error for operations that are refused because too much is waiting already.
import { StoreError, type ErrorFacts } from './errors.ts';

/** Milliseconds after which a retry makes sense: a queue that is full now has moved on by then. */
const retryAfterMs = 1000;

/** @param detail what is full, as a sentence */
export function overloaded(
  detail = 'Too many operations wait for a shard already.',
  facts: Pick<ErrorFacts, 'limit' | 'retryAfterMs'> = {},
): StoreError {
  return new StoreError('OVERLOADED', detail, { retryable: true, retryAfterMs, ...facts });
}
