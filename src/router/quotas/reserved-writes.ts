// Reserves room for writes before they get their places in the shards' queues. Knows which shards may
// have expired entries to remove. Knows no lock.
import { namespacesCountedTo } from '../../base/namespace-name.ts';
import type { ShardResult } from '../../protocol/shard-operation.ts';
import type { EntryName } from '../../store/operation.ts';
import type { NamespaceUsage } from '../../store/store-status.ts';
import type { Quota } from '../../store/quota.ts';
import type { PlannedChanges, TransactionMoment } from '../../store/transaction.ts';
import type { AnyOperation, Complete, Sequencer } from '../sequencer.ts';
import { growthBound, growthOfChanges, growthOver } from './growth.ts';
import type { NamespaceQuota, Reservation } from './namespace-quota.ts';
import type { Quotas } from './quotas.ts';

/** The reservations of one transaction. */
export class ReservedChanges {
  readonly #reservations: readonly Reservation[];

  constructor(reservations: readonly Reservation[]) {
    this.#reservations = reservations;
  }

  /** The shard has answered, and will not be asked about these changes again. */
  settle(shard: number, answer: ShardResult): void {
    for (const each of this.#reservations) if (each.shard === shard) each.settle(answer);
  }

  /** No shard was asked. */
  release(): void {
    for (const each of this.#reservations) each.release();
  }
}

export const nothingReserved = new ReservedChanges([]);

export class ReservedWrites {
  readonly #quotas: Quotas;
  readonly #sequencer: Sequencer;
  readonly #timestamp: () => number;

  constructor(quotas: Quotas, sequencer: Sequencer, timestamp: () => number) {
    this.#quotas = quotas;
    this.#sequencer = sequencer;
    this.#timestamp = timestamp;
  }

  /**
   * Queues the operation if all by which it may grow its namespace has room.
   *
   * @returns false if only a transaction can tell, which knows what stands there
   */
  enqueue(operation: AnyOperation, complete: Complete): boolean {
    const quota = this.#quotas.of(operation.namespace);
    if (quota === undefined) {
      this.#sequencer.enqueue(operation, complete);
      return true;
    }
    const reservation = this.#reserve(quota, operation);
    if (reservation === undefined) return false;
    this.#sequencer.enqueue(operation, (answer) => {
      reservation.settle(answer);
      complete(answer);
    });
    return true;
  }

  /**
   * Reserves room for the changes of a transaction, which holds the locks of all these entries.
   *
   * @throws StoreError QUOTA_EXCEEDED, OVERLOADED
   */
  async reserveChanges(
    names: readonly EntryName[],
    moment: Pick<TransactionMoment, 'entries'>,
    planned: PlannedChanges<unknown>,
  ): Promise<ReservedChanges> {
    if (this.#quotas.areNone) return nothingReserved;
    const { queues } = this.#sequencer;
    const growths = growthOfChanges(names, moment, planned, {
      shardOf: (key) => this.#sequencer.queueOf(key).shard,
      shards: queues.length,
      usage: this.#quotas.usage,
      isLimited: (namespace) => this.#quotas.of(namespace) !== undefined,
    });
    const reservations: Reservation[] = [];
    try {
      // In the order of their names: no two transactions wait for the room of each other.
      for (const [namespace, ofShards] of growths) {
        const quota = this.#quotas.of(namespace);
        if (quota === undefined) continue;
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        reservations.push(...(await quota.reserve(ofShards, () => this.#sweep(namespace))));
      }
    } catch (error) {
      for (const reservation of reservations) reservation.release();
      throw error;
    }
    return new ReservedChanges(reservations);
  }

  usageOf(namespace: string): NamespaceUsage {
    const refused = this.#quotas.of(namespace)?.refused ?? 0;
    return { ...this.#quotas.usage.of(namespace), refused };
  }

  /** @returns true if writes under way have reserved nothing, so the quota does not bind them */
  setQuota(namespace: string, quota: Quota): boolean {
    const { queues } = this.#sequencer;
    const isNew = this.#quotas.set(namespace, quota);
    return isNew && queues.some(({ openPosition }) => openPosition !== Infinity);
  }

  #reserve(quota: NamespaceQuota, operation: AnyOperation): Reservation | undefined {
    const { shard } = this.#sequencer.queueOf(operation.key);
    const reservation = quota.tryReserve({ shard, ...growthBound(operation) });
    if (reservation !== undefined || operation.op !== 'put') return reservation;
    const old = this.#sequencer.standing(operation);
    return old && quota.tryReserve({ shard, ...growthOver(old, operation) });
  }

  /** @returns number of entries that were removed */
  async #sweep(namespace: string): Promise<number> {
    const now = this.#timestamp();
    const due = this.#sequencer.queues.filter(({ nextExpiryAt }) => nextExpiryAt <= now);
    const asked = due.flatMap((queue) =>
      namespacesCountedTo(namespace).map((name) =>
        this.#sequencer.ask(queue, { op: 'sweep', now, namespace: name }),
      ),
    );
    const answers = await Promise.all(asked);
    return answers.reduce((sum, answer) => sum + (answer.kind === 'count' ? answer.count : 0), 0);
  }
}
