// Measures how long one turn of the event loop has worked on requests. A request reached late in a
// long turn has waited at least as long, and so would all later ones. A main thread that cannot
// keep up shows here first.

/** Far longer than a turn that keeps up, far shorter than a client waits. */
const turnMsMax = 500;

/** A pause of the whole process is no overload: few requests make a turn long only by chance. */
const turnRequestsMin = 64;

export class EventLoopBudget {
  readonly #nowMs: () => number;
  #startedAtMs = 0;
  #requests = 0;

  /** @param nowMs monotonic */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Counts a request; true if its turn has lasted too long already. */
  isSpent(): boolean {
    this.#requests += 1;
    if (this.#requests === 1) {
      this.#startedAtMs = this.#nowMs();
      setImmediate(this.#endTurn);
      return false;
    }
    // The first requests of a turn need no look at the clock.
    return this.#requests > turnRequestsMin && this.#nowMs() - this.#startedAtMs > turnMsMax;
  }

  readonly #endTurn = (): void => {
    this.#requests = 0;
  };
}
