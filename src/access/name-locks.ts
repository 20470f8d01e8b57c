// Owns the mutexes of names. A mutex exists only while some caller holds or wants its name.
import { Mutex } from 'async-mutex';
import { overloaded } from '../base/overloaded.ts';

interface NameLock {
  readonly mutex: Mutex;
  /** Number of holders and waiters. */
  users: number;
}

const waitersMax = 1024;

export class NameLocks {
  readonly #locks = new Map<string, NameLock>();

  /** @throws StoreError OVERLOADED if too many wait for the name; whatever `work` throws */
  async hold<T>(name: string, work: () => Promise<T>): Promise<T> {
    const lock = this.#locks.get(name) ?? { mutex: new Mutex(), users: 0 };
    if (lock.users >= waitersMax) {
      throw overloaded(`${waitersMax} changes of this namespace wait already.`);
    }
    lock.users += 1;
    this.#locks.set(name, lock);
    try {
      return await lock.mutex.runExclusive(work);
    } finally {
      lock.users -= 1;
      if (lock.users === 0) this.#locks.delete(name);
    }
  }
}
