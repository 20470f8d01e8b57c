// Turns the operations of a request with an Idempotency-Key into one transaction. Does not know how
// the answer is kept.
import type { Operation } from '../../store/operation.ts';
import type { Durability, Result } from '../../store/result.ts';
import type { SubmitOptions } from '../../store/store.ts';
import type { Answer } from '../wire/answer.ts';
import type { AtomicWork } from '../idempotency/idempotent-requests.ts';
import { countGiven } from './transactions/given-values.ts';
import {
  namesOnce,
  runAtMoment,
  type MomentLimits,
  type MomentResult,
} from '../../store/moment-run.ts';

function withDurability(result: MomentResult, durability: Durability): Result {
  if (result.kind === 'incremented') throw new Error('no operation of a batch counts');
  if (result.kind !== 'written' && result.kind !== 'deleted') return result;
  return { ...result, durability };
}

/** @param answerOf the answer to the request; gets one result an operation */
export function operationsOnce(
  operations: readonly Operation[],
  limits: MomentLimits,
  answerOf: (results: readonly Result[]) => Answer,
  options: SubmitOptions = {},
): AtomicWork {
  const names = namesOnce(operations, operations);
  return {
    names,
    plan: (moment) => {
      const { results, changes } = runAtMoment(names, moment, operations, limits);
      countGiven(results, moment.entries, options);
      const answer = (durability: Durability) =>
        answerOf(results.map((result) => withDurability(result, durability)));
      return { changes, answer };
    },
  };
}
