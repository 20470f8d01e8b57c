// Picks the error format by path: /upstash gets `{"error"}`, everything else problem+json. A client
// reads the format of its own protocol, and the path tells which one it speaks.
import type { StoreError } from '../../base/errors.ts';
import { problemOf, type Problem } from './problem.ts';
import { isCommandTarget } from './request-target.ts';
import { upstashProblemOf } from '../upstash/error-reply.ts';

/** @param target the raw request target */
export function problemFor(target: string, error: StoreError): Problem {
  return isCommandTarget(target) ? upstashProblemOf(error) : problemOf(error);
}
