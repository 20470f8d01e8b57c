// A request that waits for a lock. It has a place in the queue of the lock from its arrival, tries to take
// the lock at once and in each of its turns, and counts as a wait between them. Knows neither the rules of
// locks nor answers.
import { StoreError } from '../../../base/errors.ts';
import type { LockName } from '../../../locks/lock-names.ts';
import type { LockPlace, LockQueues } from '../../../locks/lock-queues.ts';
import type { Wait, Waiter, Waits } from '../../waits/waits.ts';

/** A lock that was taken, with the answer that says so. */
export interface Grant<Answer> {
  readonly answer: Answer;
  /** Releases the lock, if no client gets the answer. Must not throw. */
  readonly undo: () => void;
}

export interface LockWaitOptions<Answer> extends Pick<Waiter, 'waitMs' | 'socket' | 'refusal'> {
  readonly waits: Waits;
  readonly queues: LockQueues;
  readonly lock: LockName;
  /**
   * Tries to take the lock. Rejects with LOCK_HELD if it is held or `mayTake` does not hold.
   *
   * @param mayTake asked in the turn of the event loop in which the lock is taken
   */
  readonly take: (mayTake: () => boolean) => Promise<Grant<Answer>>;
  /**
   * The error if the time is over.
   *
   * @param expiresAt the deadline of the holder; undefined if none was seen
   */
  readonly held: (expiresAt: number | undefined) => StoreError;
  /** Called if the request has to wait. */
  readonly onWait: () => void;
}

function isHeld(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'LOCK_HELD';
}

export class LockWait<Answer> {
  readonly #options: LockWaitOptions<Answer>;
  readonly #place: LockPlace;
  #wait: Wait | undefined;
  #isOver = false;
  /** Set if the wait is over because the caller has lost its rights. */
  #refusal: StoreError | undefined;

  constructor(options: LockWaitOptions<Answer>) {
    this.#options = options;
    this.#place = options.queues.join(options.lock);
  }

  /** @throws StoreError LOCK_HELD, WAITERS_FULL, the refusal of a caller without rights, all that `take` throws */
  async run(): Promise<Grant<Answer>> {
    try {
      // Even one behind others tries at once: it may be a repeat, whose answer is kept.
      let grant = await this.#tryToTake();
      while (grant === undefined) {
        await this.#turn();
        grant = await this.#tryToTake();
      }
      return grant;
    } finally {
      this.#place.leave();
      if (this.#wait !== undefined) this.#options.waits.end(this.#wait, undefined);
    }
  }

  /** @returns undefined if the lock is held, or others are before this request */
  async #tryToTake(): Promise<Grant<Answer> | undefined> {
    let grant: Grant<Answer>;
    try {
      grant = await this.#options.take(() => this.#place.isFirst);
    } catch (error) {
      if (isHeld(error)) return undefined;
      throw error;
    }
    if (this.#refusal === undefined) return grant;
    grant.undo();
    throw this.#refusal;
  }

  /** Resolves once the lock may be free for this request. Rejects if the wait is over. */
  async #turn(): Promise<void> {
    this.#wait ??= this.#begin();
    await this.#place.turn();
    if (this.#isOver) throw this.#refusal ?? this.#options.held(this.#place.expiresAt);
    // A namespace that was dropped meanwhile is not made again by a request from before.
    const refusal = this.#options.refusal();
    if (refusal !== undefined) throw refusal;
  }

  #begin(): Wait {
    const { waits, lock, waitMs, socket, refusal, onWait } = this.#options;
    const { namespace } = lock;
    const wait = waits.begin({ namespace, waitMs, socket, refusal, onEnd: this.#onEnd });
    onWait();
    return wait;
  }

  /** A place that was left has its turn at once, and takes nothing. */
  readonly #onEnd = (refusal: StoreError | undefined): void => {
    this.#isOver = true;
    this.#refusal = refusal;
    this.#place.leave();
  };
}
