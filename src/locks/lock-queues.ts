// Owns who waits for which lock, first come first served. A queue watches its lock in the store, so it
// learns of a release, of an expiry and of a drop alike, and asks nothing meanwhile. Whenever the lock
// may be free, it is the turn of the first. Nothing of a queue is stored: the store alone says who holds
// a lock. Knows neither deadlines of waiters nor connections.
import { textOfName } from '../store/operation.ts';
import type { Sight } from '../store/result.ts';
import type { CommandStore } from '../store/store.ts';
import { entryOfLock, type LockName } from './lock-names.ts';

class LockQueue {
  readonly places = new Set<LockPlace>();
  /** True if the lock may have become free since the turn of the first began. */
  mayBeFree = false;
  /** The deadline of the holder, as it was seen last; undefined if none was seen. */
  expiresAt: number | undefined;
  readonly #watch: (onSight: (sight: Sight) => void) => () => void;
  /** True if the watch has not seen the lock: its first look was refused, and it knows of no expiry. */
  #isBlind = false;
  #endWatch: () => void = () => undefined;

  /** @param watch watches the lock in the store, and returns the end of the watch */
  constructor(watch: (onSight: (sight: Sight) => void) => () => void) {
    this.#watch = watch;
    this.#beginWatch();
  }

  get first(): LockPlace | undefined {
    const [first] = this.places;
    return first;
  }

  /** The first one learns of it now, or as soon as it asks for its turn. */
  announceFree(): void {
    this.mayBeFree = true;
    this.first?.beginTurn();
  }

  /** The caller waits for the lock from now on, so the lock must be watched. */
  requireWatch(): void {
    if (!this.#isBlind) return;
    this.endWatch();
    this.#beginWatch();
  }

  endWatch(): void {
    this.#endWatch();
  }

  #beginWatch(): void {
    this.#isBlind = false;
    this.#endWatch = this.#watch((sight) => {
      if (sight.kind === 'entry') {
        this.expiresAt = sight.expiresAt;
        return;
      }
      // The first one tries, and hears why if the store refuses that, too.
      if (sight.kind === 'refused') this.#isBlind = true;
      this.announceFree();
    });
  }
}

/** The place of one waiter in the queue of its lock. */
export class LockPlace {
  readonly #queue: LockQueue;
  readonly #onLeave: () => void;
  /** Set while the waiter asks for its turn. */
  #resolveTurn: (() => void) | undefined;

  constructor(queue: LockQueue, onLeave: () => void) {
    this.#queue = queue;
    this.#onLeave = onLeave;
  }

  /** True if no other is before this waiter, and it has not left. */
  get isFirst(): boolean {
    return this.#queue.first === this;
  }

  /** The deadline of the holder, as it was seen last; undefined if none was seen. */
  get expiresAt(): number | undefined {
    return this.#queue.expiresAt;
  }

  /** Resolves once this waiter is the first and the lock may be free, or once the waiter has left. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#queue.places.has(this)) this.#queue.requireWatch();
      this.#resolveTurn = resolve;
      this.beginTurn();
    });
  }

  /** For the queue: begins the turn if the waiter asks for it and may have it. */
  beginTurn(): void {
    const isTurn = this.isFirst && this.#queue.mayBeFree;
    if (this.#resolveTurn === undefined || !(isTurn || !this.#queue.places.has(this))) return;
    if (isTurn) this.#queue.mayBeFree = false;
    this.#resolveTurn();
    this.#resolveTurn = undefined;
  }

  /** Does nothing if the waiter has left already. */
  leave(): void {
    if (!this.#queue.places.delete(this)) return;
    this.beginTurn();
    this.#onLeave();
  }
}

export class LockQueues {
  readonly #store: Pick<CommandStore, 'watch'>;
  /** By the text of the lock's entry. No queue in it is empty. */
  readonly #queues = new Map<string, LockQueue>();

  constructor(store: Pick<CommandStore, 'watch'>) {
    this.#store = store;
  }

  /** Locks for which a request waits. */
  get count(): number {
    return this.#queues.size;
  }

  hasWaiters(lock: LockName): boolean {
    return this.#queues.has(textOfName(entryOfLock(lock)));
  }

  /** Puts the waiter at the end. A change of the lock from now on is not missed. */
  join(lock: LockName): LockPlace {
    const text = textOfName(entryOfLock(lock));
    const queue = this.#queues.get(text) ?? this.#open(lock, text);
    const place = new LockPlace(queue, () => {
      if (queue.places.size === 0) {
        this.#queues.delete(text);
        queue.endWatch();
      } else {
        // The one that left may have been in its turn, and may not have taken the lock.
        queue.announceFree();
      }
    });
    queue.places.add(place);
    return place;
  }

  #open(lock: LockName, text: string): LockQueue {
    const read = { op: 'head', ...entryOfLock(lock) } as const;
    const queue = new LockQueue((onSight) => this.#store.watch(read, onSight));
    this.#queues.set(text, queue);
    return queue;
  }
}
