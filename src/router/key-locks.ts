// Owns the mutexes of keys, for operations that take more than one step. A mutex exists only while
// some caller holds or wants its key. Single operations need no mutex: a shard's queue already puts
// them in order. A caller can also hold all keys, or all keys of some namespaces. Knows no shard.
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
  /** The number of locks with a holder or waiter, by namespace. */
  readonly #locksIn = new Map<string, number>();
  /**
   * Held by the caller that holds all keys, of the store or of some namespaces. There is one such
   * caller at a time, so two of them cannot wait for each other.
   */
  readonly #alone = new Mutex();
  /** Callers that hold or want all keys of the store, or of a namespace. Other callers wait. */
  #allUsers = 0;
  readonly #usersOf = new Map<string, number>();
  #waiters = 0;
  /** Called each time that a lock of a key has no holder and no waiter any more. */
  #onRelease: (() => void) | undefined;

  /** True if no caller holds or wants any lock. */
  get areIdle(): boolean {
    return this.#locks.size === 0 && this.#allUsers === 0 && this.#usersOf.size === 0;
  }

  isHeld(name: EntryName): boolean {
    return this.#isClosed(name) || this.#locks.has(textOfName(name));
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
    while (names.some((name) => this.#isClosed(name))) await this.#untilNoneIsAlone();
    return await this.#hold(names, work);
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
      return await this.#alone.runExclusive(async () => {
        await this.#untilReleased(() => this.#locks.size > 0);
        return work();
      });
    } finally {
      this.#allUsers -= 1;
    }
  }

  /**
   * Runs `work` while no other caller holds a lock in these namespaces, or one of these entries.
   * Present holders end first; later callers about these namespaces wait, and no others.
   *
   * Takes the locks of entries elsewhere last. A holder in the namespaces may want one of these,
   * and must be able to get it.
   *
   * @throws StoreError OVERLOADED if too many operations wait for one of the locks; whatever `work`
   *   throws
   */
  async holdNamespaces<T>(
    namespaces: readonly string[],
    names: readonly EntryName[],
    work: () => Promise<T>,
  ): Promise<T> {
    for (const namespace of namespaces) add(this.#usersOf, namespace, 1);
    try {
      return await this.#alone.runExclusive(async () => {
        await this.#untilReleased(() => namespaces.some((each) => this.#locksIn.has(each)));
        const elsewhere = names.filter(({ namespace }) => !namespaces.includes(namespace));
        return this.#hold(elsewhere, work);
      });
    } finally {
      for (const namespace of namespaces) add(this.#usersOf, namespace, -1);
    }
  }

  #isClosed({ namespace }: EntryName): boolean {
    return this.#allUsers > 0 || this.#usersOf.has(namespace);
  }

  async #hold<T>(names: readonly EntryName[], work: () => Promise<T> | T): Promise<T> {
    const namespaces = new Map(names.map((name) => [textOfName(name), name.namespace]));
    const keys = [...namespaces.keys()].toSorted();
    this.#boundWaiters(keys);
    const releases: MutexInterface.Releaser[] = [];
    const locks = keys.map((key) => this.#use(key, namespaces.get(key) ?? ''));
    try {
      for (const lock of locks) releases.push(await lock.mutex.acquire());
      return await work();
    } finally {
      for (const release of releases) release();
      for (const [key, namespace] of namespaces) this.#leave(key, namespace);
    }
  }

  async #untilNoneIsAlone(): Promise<void> {
    if (this.#waiters >= allLocksWaitersMax) {
      throw tooMany(allLocksWaitersMax, 'all keys of a namespace');
    }
    this.#waiters += 1;
    try {
      await this.#alone.waitForUnlock();
    } finally {
      this.#waiters -= 1;
    }
  }

  /** The caller holds `#alone`, so no other caller waits here. */
  async #untilReleased(isAnyHeld: () => boolean): Promise<void> {
    while (isAnyHeld()) {
      // oxlint-disable-next-line no-await-in-loop -- until the last one is released
      await new Promise<void>((resolve) => {
        this.#onRelease = resolve;
      });
    }
    this.#onRelease = undefined;
  }

  #boundWaiters(keys: readonly string[]): void {
    const isFull = keys.some((key) => (this.#locks.get(key)?.users ?? 0) >= lockWaitersMax);
    if (isFull) throw tooMany(lockWaitersMax, 'this key');
  }

  #use(key: string, namespace: string): KeyLock {
    const known = this.#locks.get(key);
    const lock = known ?? { mutex: new Mutex(), users: 0 };
    if (known === undefined) {
      this.#locks.set(key, lock);
      add(this.#locksIn, namespace, 1);
    }
    lock.users += 1;
    return lock;
  }

  #leave(key: string, namespace: string): void {
    const lock = this.#locks.get(key);
    if (lock === undefined) return;
    lock.users -= 1;
    if (lock.users > 0) return;
    this.#locks.delete(key);
    add(this.#locksIn, namespace, -1);
    this.#onRelease?.();
  }
}

/** Adds to the number of the namespace. The map holds no zeros. */
function add(numbers: Map<string, number>, namespace: string, by: 1 | -1): void {
  const sum = (numbers.get(namespace) ?? 0) + by;
  if (sum === 0) numbers.delete(namespace);
  else numbers.set(namespace, sum);
}
