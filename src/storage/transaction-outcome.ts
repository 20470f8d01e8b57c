// Decides transactions over several shards that a crash has left in doubt, from the files of all
// shards. Starts and tools share this one rule. Knows no file.
import type { PrepareRecord } from './record.ts';

/** A shard's records of transactions over several shards. */
export interface TransactionTraces {
  /** Prepared, and in doubt: by id, without an outcome here. */
  readonly prepared: ReadonlyMap<string, Pick<PrepareRecord, 'participants'>>;
  /** Recorded outcomes: by id, whether it is committed. */
  readonly outcomes: ReadonlyMap<string, boolean>;
}

/**
 * An outcome that any shard has recorded is the outcome. Without one, a transaction is committed if
 * all participants have prepared it, because its caller may have heard so. If one has not, no caller
 * can have heard anything, and it is aborted.
 *
 * @param shards by number
 * @returns for every transaction that is in doubt in some shard, whether it is committed
 */
export function resolveInDoubt(shards: readonly TransactionTraces[]): Map<string, boolean> {
  const resolved = new Map<string, boolean>();
  for (const { prepared } of shards) {
    for (const [transaction, { participants }] of prepared) {
      if (resolved.has(transaction)) continue;
      const recorded = shards
        .map(({ outcomes }) => outcomes.get(transaction))
        .find((outcome) => outcome !== undefined);
      const isPrepared = participants.every((shard) => shards[shard]?.prepared.has(transaction));
      resolved.set(transaction, recorded ?? isPrepared);
    }
  }
  return resolved;
}
