// A rate with a bucket that refills all the time (the field calls it a token bucket). So a caller is slowed
// down smoothly, and not cut off until a second is over. Knows no caller, and has no clock: its owner
// tells the time.

/** Sums of fractions are off by less than this, in units. */
const grain = 1e-6;

/**
 * Holds one second's worth, and is full at first. Lets in at most `perSecond` units a second, and a burst of
 * what it holds. More units than it holds are let in only while it is full. It then goes into debt, so
 * that the average holds.
 */
export class RateBucket {
  readonly perSecond: number;
  /** Below zero: debt. */
  #left: number;
  #atMs = 0;

  /** @param perSecond units a second, a positive integer */
  constructor(perSecond: number) {
    this.perSecond = perSecond;
    this.#left = perSecond;
  }

  /**
   * Takes all of the units, or none.
   *
   * @param nowMs monotonic
   * @returns 0 if they are taken, else the milliseconds until they could be, rounded up
   */
  take(units: number, nowMs: number): number {
    this.#refill(nowMs);
    const missing = Math.min(units, this.perSecond) - this.#left;
    if (missing > grain) return Math.ceil((missing / this.perSecond) * 1000 - grain);
    this.#left -= units;
    return 0;
  }

  /** Undoes a `take`: the bucket is then as if nothing had been taken. */
  giveBack(units: number, nowMs: number): void {
    this.#refill(nowMs);
    this.#left = Math.min(this.perSecond, this.#left + units);
  }

  /** Whole units that could be taken now. */
  remaining(nowMs: number): number {
    this.#refill(nowMs);
    return Math.max(0, Math.floor(this.#left + grain));
  }

  /** The part of the bucket that is full; below zero with debt. */
  shareLeft(nowMs: number): number {
    this.#refill(nowMs);
    return this.#left / this.perSecond;
  }

  /** Whole seconds until the bucket is full again, rounded up. */
  secondsUntilFull(nowMs: number): number {
    return Math.max(0, Math.ceil(1 - this.shareLeft(nowMs) - grain));
  }

  #refill(nowMs: number): void {
    if (nowMs <= this.#atMs) return;
    const more = ((nowMs - this.#atMs) / 1000) * this.perSecond;
    this.#left = Math.min(this.perSecond, this.#left + more);
    this.#atMs = nowMs;
  }
}
