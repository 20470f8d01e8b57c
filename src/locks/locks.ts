// The locks of one server: their rules and their queues, over its store.
import type { CommandStore } from '../store/store.ts';
import { LockQueues } from './lock-queues.ts';
import { releasing, type HeldLock } from './lock-rules.ts';

/** Taking a lock is durable before it is answered, in every fsync mode. So are renewals and releases. */
export const lockTransactOptions = { synced: true } as const;

export class Locks {
  readonly queues: LockQueues;
  readonly #store: CommandStore;

  constructor(store: CommandStore) {
    this.#store = store;
    this.queues = new LockQueues(store);
  }

  /**
   * Releases a lock that its taker never heard of. If the store refuses, the lock is held until its deadline.
   *
   * @param userId of the taker
   */
  async giveBack(lock: HeldLock, userId: string): Promise<void> {
    const { names, plan } = releasing(lock, { fences: [lock.fence], userId });
    try {
      await this.#store.transact(names, plan, lockTransactOptions);
    } catch {
      // It was lost already.
    }
  }
}
