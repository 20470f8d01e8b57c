// Mutexes by key, for whatever takes more than one step. A mutex is made when it is wanted and
// forgotten when nobody holds or wants it. Single operations need none: a shard's queue already
// puts them in order.
import { Mutex, type MutexInterface } from 'async-mutex';
import { StoreError } from '../base/errors.ts';
import { lockWaitersMax } from '../base/limits.ts';
import type { EntryName } from '../store/operation.ts';

interface KeyLock {
  readonly mutex: Mutex;
  /** Holder and waiters. */
  users: number;
}

function lockKey({ namespace, key }: EntryName): string {
  return `${namespace}\0${key}`;
}

export class KeyLocks {
  readonly #locks = new Map<string, KeyLock>();

  /** Nobody holds or wants any lock. */
  get areIdle(): boolean {
    return this.#locks.size === 0;
  }

  isHeld(name: EntryName): boolean {
    return this.#locks.has(lockKey(name));
  }

  /**
   * Runs `work` while holding the locks of all these entries, taken in one global order so that
   * no two holders can wait for each other.
   *
   * @throws StoreError OVERLOADED where too many wait for one of them; whatever `work` throws
   */
  async hold<T>(names: readonly EntryName[], work: () => Promise<T> | T): Promise<T> {
    const keys = [...new Set(names.map(lockKey))].toSorted();
    this.#boundWaiters(keys);
    const releases: MutexInterface.Releaser[] = [];
    const locks = keys.map((key) => this.#use(key));
    try {
      for (const lock of locks) releases.push(await lock.mutex.acquire());
      return await work();
    } finally {
      for (const release of releases) release();
      for (const key of keys) this.#leave(key);
    }
  }

  #boundWaiters(keys: readonly string[]): void {
    const isFull = keys.some((key) => (this.#locks.get(key)?.users ?? 0) >= lockWaitersMax);
    if (!isFull) return;
    throw new StoreError('OVERLOADED', `${lockWaitersMax} operations wait for this key already.`, {
      retryable: true,
      retryAfterMs: 1000,
    });
  }

  #use(key: string): KeyLock {
    const lock = this.#locks.get(key) ?? { mutex: new Mutex(), users: 0 };
    lock.users += 1;
    this.#locks.set(key, lock);
    return lock;
  }

  #leave(key: string): void {
    const lock = this.#locks.get(key);
    if (lock === undefined) return;
    lock.users -= 1;
    if (lock.users === 0) this.#locks.delete(key);
  }
}
