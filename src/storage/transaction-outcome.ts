// How transactions over several shards that a crash has left without an end were decided. Each
// shard's files tell a little of it; the rule is one for starts and tools alike.
import type { PartRecord } from './record.ts';

/** What a shard's files say of transactions over several shards. */
export interface TransactionTraces {
  /** Parts that have no note yet. */
  readonly parts: ReadonlyMap<string, Pick<PartRecord, 'shards'>>;
  /** Of those that have one, whether they were committed. */
  readonly notes: ReadonlyMap<string, boolean>;
}

/**
 * Any note decides. Without one, a transaction is committed if all of its parts are there, because
 * its caller may have heard so; where one is missing, nobody can have heard anything.
 *
 * @param shards by number
 * @returns of every transaction that has a part without a note, whether it is committed
 */
export function outcomesOf(shards: readonly TransactionTraces[]): Map<string, boolean> {
  const outcomes = new Map<string, boolean>();
  for (const { parts } of shards) {
    for (const [transaction, part] of parts) {
      if (outcomes.has(transaction)) continue;
      const noted = shards
        .map(({ notes }) => notes.get(transaction))
        .find((note) => note !== undefined);
      const isWhole = part.shards.every((shard) => shards[shard]?.parts.has(transaction) ?? false);
      outcomes.set(transaction, noted ?? isWhole);
    }
  }
  return outcomes;
}
