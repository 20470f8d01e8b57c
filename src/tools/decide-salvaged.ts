// How transactions are decided of which a damaged store has parts without a note. The rule is that of
// a start (src/storage/transaction-outcome.ts), by what could be salvaged; where lines are lost, that
// may not be what was decided, and is told as a finding.
import { outcomesOf, type TransactionTraces } from '../storage/transaction-outcome.ts';
import type { Finding } from './finding.ts';

/** What is left of one shard. */
export interface SalvagedTraces extends TransactionTraces {
  /** Lines are lost, or may be: parts or notes may have been among them. */
  readonly isDoubtful: boolean;
}

export interface SalvagedDecision {
  readonly isCommitted: boolean;
  /** It may have been decided otherwise. */
  readonly isDoubtful: boolean;
}

export const dropped: SalvagedDecision = { isCommitted: false, isDoubtful: false };

const whole =
  'lines are lost that may have held its note; it is kept, as all of its parts are there';
const partial =
  'lines are lost that may have held its note, or a part of it; what is there is dropped, so that it ' +
  'does not stand by half, unless a shard without a part of it had made its changes already';

/**
 * @param shards by number
 * @returns by transaction, all that have a part without a note
 */
export function decideSalvaged(
  shards: readonly SalvagedTraces[],
  report: (finding: Finding) => void,
): Map<string, SalvagedDecision> {
  const decisions = new Map<string, SalvagedDecision>();
  for (const [transaction, isCommitted] of outcomesOf(shards)) {
    const holders = shards.flatMap(({ parts }, shard) => (parts.has(transaction) ? [shard] : []));
    const participants = shards[holders[0] ?? 0]?.parts.get(transaction)?.shards ?? holders;
    const isNoted = shards.some(({ notes }) => notes.has(transaction));
    const isDoubtful = !isNoted && participants.some((shard) => shards[shard]?.isDoubtful ?? true);
    decisions.set(transaction, { isCommitted, isDoubtful });
    if (!isDoubtful) continue;
    report({
      finding: 'transaction',
      transaction,
      shards: participants,
      parts: holders,
      kept: isCommitted ? 'all' : 'nothing',
      what: isCommitted ? whole : partial,
    });
  }
  return decisions;
}
