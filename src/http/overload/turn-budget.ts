// How long one turn of the event loop has been at requests. What is reached late in a long turn has
// waited at least as long, and so would everything that comes after it: that is where a main
// thread that can not keep up shows first.

/** Far more than a turn takes that keeps up, far less than a client waits. */
const turnMsMax = 500;

/** A pause of the whole process is no overload: few requests make a turn long only by chance. */
const turnRequestsMin = 64;

export class TurnBudget {
  #startedAtMs = 0;
  #requests = 0;

  /** Counts a request; true where its turn has lasted too long already. */
  isSpent(nowMs: number): boolean {
    this.#requests += 1;
    if (this.#requests === 1) {
      this.#startedAtMs = nowMs;
      setImmediate(this.#endTurn);
      return false;
    }
    return this.#requests > turnRequestsMin && nowMs - this.#startedAtMs > turnMsMax;
  }

  readonly #endTurn = (): void => {
    this.#requests = 0;
  };
}
