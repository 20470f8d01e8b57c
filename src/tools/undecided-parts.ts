// What is to be told of parts of transactions that have no note: a crash leaves them, and they are no
// damage. How a start decides is src/storage/transaction-outcome.ts.
import { outcomesOf, type TransactionTraces } from '../storage/transaction-outcome.ts';

export interface UndecidedPart {
  readonly shard: number;
  readonly transaction: string;
  /** How a start decides, and why. */
  readonly decision: string;
}

const nothing: TransactionTraces = { parts: new Map(), notes: new Map() };

/** @param shards by number; undefined where nobody knows what a shard's files say */
export function undecidedParts(
  shards: readonly (TransactionTraces | undefined)[],
): UndecidedPart[] {
  const outcomes = outcomesOf(shards.map((traces) => traces ?? nothing));
  return shards.flatMap((traces, shard) =>
    Array.from(traces?.parts ?? [], ([transaction, part]) => {
      const isCommitted = outcomes.get(transaction) ?? false;
      const decision = decisionOf(transaction, part.shards, isCommitted, shards);
      return { shard, transaction, decision };
    }),
  );
}

function decisionOf(
  transaction: string,
  participants: readonly number[],
  isCommitted: boolean,
  shards: readonly (TransactionTraces | undefined)[],
): string {
  const noted = shards.findIndex((traces) => traces?.notes.has(transaction));
  const decided = isCommitted ? 'committed' : 'dropped';
  if (noted !== -1) return `${decided}, as shard ${noted} has noted`;
  const unread = participants.find((shard) => shards[shard] === undefined);
  if (unread !== undefined) return `not to be decided while shard ${unread} is damaged`;
  if (isCommitted) return 'committed, since all of its parts are there';
  const missing = participants.find((shard) => shards[shard]?.parts.has(transaction) === false);
  return `dropped, since shard ${missing} has no part of it`;
}
