// Resolves the transactions in doubt of a damaged store, from the salvaged records. Applies the
// rule of a start (src/storage/transaction-outcome.ts). If lines are lost, the true outcome may be
// another one, and a finding says so. Knows no file.
import { resolveInDoubt, type TransactionTraces } from '../storage/transaction-outcome.ts';
import type { Finding } from './finding.ts';

/** The prepare and outcome records that were salvaged from one shard. */
export interface SalvagedTraces extends TransactionTraces {
  /** True if lines are lost, or may be: they may have held prepare and outcome records. */
  readonly isDoubtful: boolean;
}

export interface SalvagedOutcome {
  readonly isCommitted: boolean;
  /** True if the true outcome may be another one. */
  readonly isDoubtful: boolean;
}

export const aborted: SalvagedOutcome = { isCommitted: false, isDoubtful: false };

const whole =
  'lines are lost that may have held its outcome; it is committed, as all participants have prepared it';
const partial =
  'lines are lost that may have held its outcome, or changes that it prepared; it is aborted, so that ' +
  'no half of it is kept, unless a participant had already made its changes';

/**
 * Resolves all transactions in doubt, and reports those whose outcome is doubtful.
 *
 * @param shards the index is the shard's number
 * @returns the outcome of each transaction that is in doubt in some shard, by the transaction's id
 */
export function resolveSalvaged(
  shards: readonly SalvagedTraces[],
  report: (finding: Finding) => void,
): Map<string, SalvagedOutcome> {
  const salvaged = new Map<string, SalvagedOutcome>();
  for (const [transaction, isCommitted] of resolveInDoubt(shards)) {
    const holders = shards.flatMap(({ prepared }, shard) =>
      prepared.has(transaction) ? [shard] : [],
    );
    const participants =
      shards[holders[0] ?? 0]?.prepared.get(transaction)?.participants ?? holders;
    const isRecorded = shards.some(({ outcomes }) => outcomes.has(transaction));
    const isDoubtful =
      !isRecorded && participants.some((shard) => shards[shard]?.isDoubtful ?? true);
    salvaged.set(transaction, { isCommitted, isDoubtful });
    if (!isDoubtful) continue;
    report({
      finding: 'transaction',
      transaction,
      participants,
      prepared: holders,
      kept: isCommitted ? 'all' : 'nothing',
      what: isCommitted ? whole : partial,
    });
  }
  return salvaged;
}
