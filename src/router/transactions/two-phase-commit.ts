// Two-phase commit of one transaction over several shards. Each participant prepares: it writes its
// changes to its journal and syncs them. Once all have prepared, the transaction is committed. The
// sequencer puts the outcome into the queues of all participants in one synchronous turn. Every
// later reader therefore sees all of the transaction. Once all participants have recorded the
// outcome, they may forget it. src/storage/transaction-outcome.ts has the rule for what a crash
// leaves. Knows neither locks nor the plan of the changes.
import { StoreError } from '../../base/errors.ts';
import { overloaded } from '../../base/overloaded.ts';
import { frameBytesOf } from '../../protocol/batch-frame.ts';
import type { ShardResult } from '../../protocol/shard-operation.ts';
import type { RefusedResult } from '../../store/result.ts';
import type { ReservedChanges } from '../quotas/reserved-writes.ts';
import type { ChangesOfShard, OutcomeDelivery, Sequencer, ShardQueue } from '../sequencer.ts';

export interface TwoPhaseCommitOptions {
  readonly sequencer: Sequencer;
  readonly timestamp: () => number;
  /**
   * Gives an id that no other transaction of the store has, in this life of the program or another.
   */
  readonly newId: () => string;
  /** Ids of the transactions that some participant may still have to remember. */
  readonly inFlight: Set<string>;
}

/**
 * An entry that the changes depend on has expired: the runner has to plan the transaction again.
 */
export const stale = 'stale';

interface RunningTransaction {
  readonly transaction: string;
  readonly reserved: ReservedChanges;
}

export class TwoPhaseCommit {
  readonly #options: TwoPhaseCommitOptions;

  constructor(options: TwoPhaseCommitOptions) {
    this.#options = options;
  }

  /**
   * @param changes of each participant, in the order of the shards
   * @param validUntil Unix milliseconds: from then on the changes must not be committed
   * @param reserved the room of the changes in their namespaces
   * @returns undefined once the transaction is committed and every later reader sees it
   */
  async run(
    changes: readonly ChangesOfShard[],
    validUntil: number,
    reserved: ReservedChanges,
  ): Promise<RefusedResult | typeof stale | undefined> {
    const { sequencer, timestamp, newId, inFlight } = this.#options;
    const transaction = newId();
    const participants = changes.map(({ queue }) => queue.shard);
    const prepares = changes.map(({ queue, ...rest }) => {
      const operation = { op: 'prepare', transaction, participants, validUntil, ...rest } as const;
      return { queue, operation };
    });
    // Checks and queues in one turn: if one shard has no room, no shard is asked.
    const haveRoom = prepares.every(({ queue, operation }) =>
      queue.hasRoom(1, frameBytesOf(operation)),
    );
    if (!haveRoom) {
      reserved.release();
      return { kind: 'refused', error: overloaded() };
    }
    inFlight.add(transaction);
    const answers = await Promise.all(
      prepares.map(({ queue, operation }) => sequencer.ask(queue, operation)),
    );
    const areAllPrepared = answers.every(({ kind }) => kind === 'done');
    if (!areAllPrepared || timestamp() >= validUntil) {
      for (const [index, { queue }] of changes.entries()) {
        const answer = answers[index];
        if (answer !== undefined && lacksIt(answer)) reserved.settle(queue.shard, answer);
      }
      return await this.#abort({ transaction, reserved }, changes, answers);
    }
    const queues = changes.map(({ queue }) => queue);
    const deliveries = sequencer.commit(transaction, changes);
    void this.#forget({ transaction, reserved }, queues, deliveries);
    return undefined;
  }

  /**
   * Tells participants that have, or may have, prepared the transaction to abort. A start after a
   * crash commits a transaction that it finds prepared everywhere. The caller hears `not-applied`
   * only if no start can find that; else `unknown`.
   */
  async #abort(
    { transaction, reserved }: RunningTransaction,
    changes: readonly ChangesOfShard[],
    answers: readonly ShardResult[],
  ): Promise<RefusedResult | typeof stale> {
    const holders = changes
      .map(({ queue }, index) => ({ queue, answer: answers[index] }))
      .filter(({ answer }) => !lacksIt(answer));
    const queues = holders.map(({ queue }) => queue);
    const deliveries = this.#options.sequencer.abort(transaction, queues);
    void this.#forget({ transaction, reserved }, queues, deliveries);
    // A shard that may have prepared, but has not, records no abort: only the others count.
    const recording = deliveries.filter((_, index) => hasIt(holders[index]?.answer));
    const isCertain = holders.length < changes.length || (await isAnyRecordedSoon(recording));
    const refused = answers.filter((answer) => answer.kind === 'refused');
    if (isCertain && refused.length === 0) return stale;
    const cause = (refused.find(lacksIt) ?? refused[0])?.error ?? overloaded();
    return { kind: 'refused', error: withOutcome(cause, isCertain) };
  }

  /** The transaction stays in flight if a participant has ended before it recorded the outcome. */
  async #forget(
    { transaction, reserved }: RunningTransaction,
    participants: readonly ShardQueue[],
    deliveries: readonly OutcomeDelivery[],
  ): Promise<void> {
    for (const [index, { answer }] of deliveries.entries()) {
      const shard = participants[index]?.shard ?? -1;
      void answer.then((recorded) => reserved.settle(shard, recorded));
    }
    const answers = await Promise.all(deliveries.map(({ answer }) => answer));
    if (answers.some(({ kind }) => kind === 'refused')) return;
    this.#options.inFlight.delete(transaction);
    const { sequencer } = this.#options;
    for (const queue of participants) void sequencer.ask(queue, { op: 'forget', transaction });
  }
}

/** True if the participant has certainly prepared the transaction. */
function hasIt(answer: ShardResult | undefined): boolean {
  return answer?.kind === 'done';
}

/** True if the participant has certainly not prepared the transaction. */
function lacksIt(answer: ShardResult | undefined): boolean {
  if (answer?.kind === 'refused') return answer.error.outcome === 'not-applied';
  return answer?.kind === 'stale';
}

/** True once any participant has recorded the outcome without waiting for a recovery. */
async function isAnyRecordedSoon(deliveries: readonly OutcomeDelivery[]): Promise<boolean> {
  const recorded = deliveries.map(async ({ isRecordedSoon }) => {
    if (!(await isRecordedSoon)) throw new Error('it could not be recorded');
  });
  return await Promise.any(recorded).then(
    () => true,
    () => false,
  );
}

function withOutcome(error: StoreError, isCertain: boolean): StoreError {
  const { code, message, facts } = error;
  const outcome = isCertain ? 'not-applied' : 'unknown';
  return new StoreError(code, message, { ...facts, outcome });
}
