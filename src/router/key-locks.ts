// Owns the mutexes of keys, for operations that take more than one step. A mutex exists only while
// some caller holds or wants its key. Single operations need no mutex: a shard's queue already puts
// them in order. Knows no shard.
import { Mutex, type MutexInterface } from 'async-mutex';
import type { StoreError } from '../base/errors.ts';
import { allLocksWaitersMax, lockWaitersMax } from '../base/limits.ts';
import { overloaded } from '../base/overloaded.ts';
import { textOfName, type EntryName } from '../store/operation.ts';

interface KeyLock {
  readonly mutex: Mutex;
  /** Number of holders and waiters. */
  users: number;
}

function tooMany(count: number, what: string): StoreError {
  return overloaded(`${count} operations wait for ${what} already.`);
}

export class KeyLocks {
  readonly #locks = new Map<string, KeyLock>();
  /** Held by the caller that holds all keys. */
  readonly #all = new Mutex();
  /** Callers that hold or want all keys, and callers that wait until none of those is left. */
  #allUsers = 0;
  #allWaiters = 0;
  /** Called once no caller holds or wants the lock of a key any more. */
  #onNoneHeld: (() => void) | undefined;

  /** True if no caller holds or wants any lock. */
  get areIdle(): boolean {
    return this.#locks.size === 0 && this.#allUsers === 0;
  }

  isHeld(name: EntryName): boolean {
    return this.#allUsers > 0 || this.#locks.has(textOfName(name));
  }

  /**
   * Runs `work` while holding the locks of all these entries. All callers take locks in one global
   * order: no two holders can wait for each other.
   *
   * @throws StoreError OVERLOADED if too many operations wait for one of the locks; whatever `work`
   *   throws
   */
  async hold<T>(names: readonly EntryName[], work: () => Promise<T> | T): Promise<T> {
    // oxlint-disable-next-line no-await-in-loop -- until no caller wants all of them
    while (this.#allUsers > 0) await this.#untilAllAreFree();
    const keys = [...new Set(names.map(textOfName))].toSorted();
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

  /**
   * Runs `work` while no other caller holds any lock. Present holders end first; later callers
   * wait.
   *
   * @throws whatever `work` throws
   */
  async holdAll<T>(work: () => Promise<T>): Promise<T> {
    this.#allUsers += 1;
    try {
      return await this.#all.runExclusive(async () => {
        await this.#untilNoneIsHeld();
        return work();
      });
    } finally {
      this.#allUsers -= 1;
    }
  }

  async #untilAllAreFree(): Promise<void> {
    if (this.#allWaiters >= allLocksWaitersMax) throw tooMany(allLocksWaitersMax, 'all keys');
    this.#allWaiters += 1;
    try {
      await this.#all.waitForUnlock();
    } finally {
      this.#allWaiters -= 1;
    }
  }

  async #untilNoneIsHeld(): Promise<void> {
    if (this.#locks.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onNoneHeld = resolve;
    });
    this.#onNoneHeld = undefined;
  }

  #boundWaiters(keys: readonly string[]): void {
    const isFull = keys.some((key) => (this.#locks.get(key)?.users ?? 0) >= lockWaitersMax);
    if (isFull) throw tooMany(lockWaitersMax, 'this key');
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
    if (lock.users > 0) return;
    this.#locks.delete(key);
    if (this.#locks.size === 0) this.#onNoneHeld?.();
  }
}
