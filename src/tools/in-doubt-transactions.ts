// Describes the transactions that a crash has left in doubt, for verify. They are no damage. The
// rule by which a start resolves them is src/storage/transaction-outcome.ts. Knows no file.
import { resolveInDoubt, type TransactionTraces } from '../storage/transaction-outcome.ts';

export interface InDoubtInShard {
  readonly shard: number;
  readonly transaction: string;
  /** The outcome at the next start, and the reason for it. */
  readonly outcome: string;
}

const noTraces: TransactionTraces = { prepared: new Map(), outcomes: new Map() };

/** @param shards by number; undefined if a shard's files cannot be read */
export function inDoubtTransactions(
  shards: readonly (TransactionTraces | undefined)[],
): InDoubtInShard[] {
  const resolved = resolveInDoubt(shards.map((traces) => traces ?? noTraces));
  return shards.flatMap((traces, shard) =>
    Array.from(traces?.prepared ?? [], ([transaction, { participants }]) => {
      const isCommitted = resolved.get(transaction) ?? false;
      const outcome = describeOutcome(transaction, participants, isCommitted, shards);
      return { shard, transaction, outcome };
    }),
  );
}

function describeOutcome(
  transaction: string,
  participants: readonly number[],
  isCommitted: boolean,
  shards: readonly (TransactionTraces | undefined)[],
): string {
  const recorded = shards.findIndex((traces) => traces?.outcomes.has(transaction));
  const outcome = isCommitted ? 'committed' : 'aborted';
  if (recorded !== -1) return `${outcome}, as shard ${recorded} has recorded`;
  const unread = participants.find((shard) => shards[shard] === undefined);
  if (unread !== undefined) return `not to be resolved while shard ${unread} is damaged`;
  if (isCommitted) return 'committed, since all participants have prepared it';
  const missing = participants.find((shard) => shards[shard]?.prepared.has(transaction) === false);
  return `aborted, since shard ${missing} has not prepared it`;
}
