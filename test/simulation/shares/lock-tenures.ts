// The grants of the locks of one namespace, and what is known to have become of each. A grant is known by
// its fence. Judges nothing.
import type { SimulatedClock } from '../simulated-clock.ts';

/** A lock, a user and a fence, as a request names them. */
export interface Claim {
  readonly lock: string;
  readonly userId: string;
  readonly fence: number;
}

/** One grant of a lock. */
export interface Tenure extends Claim {
  /** The store's time at which it was planned. */
  readonly since: number;
  /** All deadlines that it may have. */
  readonly deadlines: Set<number>;
  /** Its earliest deadline that is possible now. */
  until: number;
  /** The client has its grant. */
  isTold: boolean;
  /** The holder has asked for its end. */
  isReleasing: boolean;
  /** It may have ended otherwise. */
  isOver: boolean;
  /** Its end was acknowledged: the lock must not be held any more. */
  isGone: boolean;
}

export class LockTenures {
  readonly #clock: SimulatedClock;
  readonly #byFence = new Map<number, Tenure>();

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
  }

  of(lock: string): readonly Tenure[] {
    return [...this.#byFence.values()].filter((tenure) => tenure.lock === lock);
  }

  withFence(fence: number): Tenure | undefined {
    return this.#byFence.get(fence);
  }

  /** @returns undefined if no grant has this lock, user and fence */
  find({ lock, userId, fence }: Claim): Tenure | undefined {
    const tenure = this.#byFence.get(fence);
    return tenure?.lock === lock && tenure.userId === userId ? tenure : undefined;
  }

  /** A grant may take effect from now on. An earlier plan with its fence has had no effect. */
  plan(claim: Claim, plan: Pick<Tenure, 'since' | 'until' | 'isOver'>): void {
    if (this.#byFence.get(claim.fence)?.isTold === true) return;
    const state = { isTold: false, isReleasing: false, isGone: false };
    const deadlines = new Set([plan.until]);
    this.#byFence.set(claim.fence, { ...claim, ...plan, ...state, deadlines });
  }

  /** The planned grant has had no effect. */
  forget(tenure: Tenure): void {
    if (this.#byFence.get(tenure.fence) === tenure) this.#byFence.delete(tenure.fence);
  }

  /** True if the lock must be held by this grant now. */
  isCertain({ isTold, isReleasing, isOver, until }: Tenure): boolean {
    return isTold && !isReleasing && !isOver && this.#clock.seenMs < until;
  }

  /** True if the lock was taken again since, or its end was acknowledged. */
  isLost(tenure: Tenure): boolean {
    return tenure.isGone || tenure.fence < this.highestToldOf(tenure.lock);
  }

  /** @returns 0 if no client was told of a grant */
  highestToldOf(lock: string): number {
    const told = this.of(lock).filter(({ isTold }) => isTold);
    return Math.max(0, ...told.map(({ fence }) => fence));
  }

  /** A lock that has expired may be there again, or may have been removed. */
  noteClockSetBack(): void {
    for (const tenure of this.#byFence.values()) {
      if (tenure.until <= this.#clock.highestMs) tenure.isOver = true;
    }
  }
}
