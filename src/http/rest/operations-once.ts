// Turns the operations of a request with an Idempotency-Key into one transaction. Does not know how
// the answer is kept.
import type { Operation } from '../../store/operation.ts';
import type { Durability, Result } from '../../store/result.ts';
import { recordAnswer, type AnswerSink } from '../wire/answer.ts';
import type { AtomicWork } from '../idempotency/idempotent-requests.ts';
import { countGiven, type ReserveReplyBytes } from './transactions/given-values.ts';
import {
  namesOnce,
  runAtMoment,
  type MomentLimits,
  type MomentResult,
} from './transactions/moment-run.ts';

function withDurability(result: MomentResult, durability: Durability): Result {
  if (result.kind === 'incremented') throw new Error('no operation of a batch counts');
  if (result.kind !== 'written' && result.kind !== 'deleted') return result;
  return { ...result, durability };
}

/** @param write writes the results, one an operation, as the answer to the request */
export function operationsOnce(
  operations: readonly Operation[],
  limits: MomentLimits,
  refuse: ReserveReplyBytes,
  write: (sink: AnswerSink, results: readonly Result[]) => void,
): AtomicWork {
  const names = namesOnce(operations);
  return {
    names,
    decide: (moment) => {
      const { results, changes } = runAtMoment(names, moment, operations, limits);
      countGiven(results, moment.entries, refuse);
      const answer = (durability: Durability) =>
        recordAnswer((sink) => {
          write(
            sink,
            results.map((result) => withDurability(result, durability)),
          );
        });
      return { changes, answer };
    },
  };
}
