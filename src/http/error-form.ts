// In which form an error is told: a client reads that of its own protocol, and which one it speaks
// is seen by where it asks.
import type { StoreError } from '../base/errors.ts';
import { problemOf, type Problem } from './problem.ts';
import { isCommandTarget } from './request-target.ts';
import { upstashProblemOf } from './upstash/error-reply.ts';

/** @param target as it came */
export function problemFor(target: string, error: StoreError): Problem {
  return isCommandTarget(target) ? upstashProblemOf(error) : problemOf(error);
}
