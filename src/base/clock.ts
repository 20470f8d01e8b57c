// Owns the two clocks. Code that needs the time gets a clock passed in, so that tests and
// simulations control time.

export interface Clock {
  /**
   * Wall time, Unix milliseconds. May jump either way. Timestamps are made from wall time, and decide
   * expiry.
   */
  wallMs(): number;
  /** Monotonic time in milliseconds, for durations only. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/**
 * The store's one source of time: wall time that never goes back, not even over a restart. A start
 * calls `raiseFloor` with the highest timestamp found on disk.
 */
export class TimestampClock {
  readonly #clock: Clock;
  #last = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The next timestamp in Unix milliseconds; never below an earlier one. */
  timestamp(): number {
    const now = this.#clock.wallMs();
    if (now > this.#last) this.#last = now;
    return this.#last;
  }

  raiseFloor(timestamp: number): void {
    if (timestamp > this.#last) this.#last = timestamp;
  }
}
