/** Breaks a crash loop: allows `restartsMax` restarts within the window, then no more. */
export class RestartGuard {
  readonly restartsMax = 5;
  readonly #windowMs = 60_000;
  readonly #now: () => number;
  #restarts: number[] = [];

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  mayRestart(): boolean {
    const now = this.#now();
    this.#restarts = this.#restarts.filter((at) => now - at < this.#windowMs);
    if (this.#restarts.length >= this.restartsMax) return false;
    this.#restarts.push(now);
    return true;
  }
}
