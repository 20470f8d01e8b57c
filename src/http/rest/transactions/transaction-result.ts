// Writes the outcome of a transaction as JSON text. Its results have the form of a batch's results.
import type { Durability } from '../../../store/result.ts';
import { resultText } from '../batch/batch-result.ts';
import { valueMember } from '../json/json-text.ts';
import type { IncrementedResult, MomentResult } from '../../../store/moment-run.ts';
import type { TransactionOutcome } from './transaction-plan.ts';

function incrementedText(result: IncrementedResult, durability: Durability): string {
  const { version, expiresAt, value } = result;
  const expiry = expiresAt === undefined ? '' : `,"expiresAt":${expiresAt}`;
  const content = valueMember(value);
  return `{"status":200,"version":${version}${expiry},${content},"durability":"${durability}"}`;
}

function textOf(result: MomentResult, durability: Durability | undefined): string {
  const { kind } = result;
  if (kind !== 'incremented' && kind !== 'written' && kind !== 'deleted') {
    return resultText(result, undefined);
  }
  if (durability === undefined) throw new Error('a write has reached something');
  if (kind === 'incremented') return incrementedText(result, durability);
  return resultText({ ...result, durability }, undefined);
}

/** @param durability that of the transaction's writes; undefined if it made none */
export function transactionText(
  { failedChecks, results }: TransactionOutcome,
  durability: Durability | undefined,
): string {
  const texts = `"results":[${results.map((result) => textOf(result, durability)).join(',')}]`;
  if (failedChecks.length === 0) return `{"committed":true,${texts}}`;
  return `{"committed":false,"failedChecks":[${failedChecks.join(',')}],${texts}}`;
}
