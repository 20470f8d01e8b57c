// Defines a transaction of this dialect and its plan. If all checks hold, the plan runs the
// operations, else the reads of `otherwise`. Knows no store, only the moment.
import { unreachable } from '../../../base/assert.ts';
import { bufferOf } from '../../../base/byte-string.ts';
import type { TransactionName } from '../../../store/authorization.ts';
import type { EntryName, GetOperation } from '../../../store/operation.ts';
import type { EntryResult } from '../../../store/result.ts';
import type { TransactionPlan, TransactionMoment } from '../../../store/transaction.ts';
import {
  namesOnce,
  runAtMoment,
  type MomentLimits,
  type MomentOperation,
  type MomentResult,
} from '../../../store/moment-run.ts';

/** A condition on the entry under a name. */
export type Check = EntryName &
  (
    | { readonly must: 'have-version'; readonly version: number }
    | { readonly must: 'exist' | 'be-missing' }
    | { readonly must: 'have-value'; readonly value: Uint8Array }
  );

export interface Transaction {
  readonly checks: readonly Check[];
  readonly operations: readonly MomentOperation[];
  readonly otherwise: readonly GetOperation[];
}

export interface TransactionOutcome {
  /** Indexes of the checks that failed. If there are none, the operations were run. */
  readonly failedChecks: readonly number[];
  readonly results: readonly MomentResult[];
}

/** The distinct names in checks, operations and `otherwise`. */
export function namesOfTransaction(transaction: Transaction): TransactionName[] {
  const { checks, operations, otherwise } = transaction;
  return namesOnce([...checks, ...operations, ...otherwise], operations);
}

export function isReadOnly({ operations }: Transaction): boolean {
  return operations.every(({ op }) => op === 'get' || op === 'head');
}

/** @param names those of the transaction, in the order of the moment's entries */
export function planOf(
  transaction: Transaction,
  names: readonly EntryName[],
  limits: MomentLimits,
): TransactionPlan<TransactionOutcome> {
  return (moment) => {
    const failedChecks = failedOf(transaction.checks, names, moment);
    const { operations, otherwise } = transaction;
    const wanted = failedChecks.length === 0 ? operations : otherwise;
    const { results, changes } = runAtMoment(names, moment, wanted, limits);
    return { output: { failedChecks, results }, changes };
  };
}

function failedOf(
  checks: readonly Check[],
  names: readonly EntryName[],
  moment: TransactionMoment,
): number[] {
  // A check must see an entry exactly as the operations will.
  const gets = checks.map(({ namespace, key }) => ({ op: 'get', namespace, key }) as const);
  const { results } = runAtMoment(names, moment, gets, { valueBytesMax: Infinity });
  return checks.flatMap((check, index) => {
    const result = results[index];
    return holds(check, result?.kind === 'entry' ? result : undefined) ? [] : [index];
  });
}

function holds(check: Check, entry: EntryResult | undefined): boolean {
  switch (check.must) {
    case 'have-version':
      return entry?.version === check.version;
    case 'exist':
      return entry !== undefined;
    case 'be-missing':
      return entry === undefined;
    case 'have-value':
      return entry?.value !== undefined && bufferOf(entry.value).equals(check.value);
    default:
      return unreachable(check);
  }
}
