// The outcomes of transactions that are in doubt in a damaged store. The rule is that of a start
// (src/storage/transaction-outcome.ts), applied to what could be salvaged. If lines are lost, the true
// outcome may be another one, and a finding says so.
import { resolveInDoubt, type TransactionTraces } from '../storage/transaction-outcome.ts';
import type { Finding } from './finding.ts';

/** What is left of one shard. */
export interface SalvagedTraces extends TransactionTraces {
  /** Lines are lost, or may be: prepare and outcome records may have been among them. */
  readonly isDoubtful: boolean;
}

export interface SalvagedOutcome {
  readonly isCommitted: boolean;
  /** The true outcome may be another one. */
  readonly isDoubtful: boolean;
}

export const aborted: SalvagedOutcome = { isCommitted: false, isDoubtful: false };

const whole =
  'lines are lost that may have held its outcome; it is committed, as all participants have prepared it';
const partial =
  'lines are lost that may have held its outcome, or changes that it prepared; it is aborted, so that ' +
  'no half of it is kept, unless a participant had already made its changes';

/**
 * @param shards by number
 * @returns by transaction, all that are in doubt in some shard
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
