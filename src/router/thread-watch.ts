// Tells a thread that hangs from one that is busy: tasks are under way and none has been answered
// for too long. Counted in ticks and not by the clock, so that a process that was itself stopped
// does not take its threads for dead.
export class ThreadWatch {
  readonly #silentMsMax: number;
  #underWay = 0;
  #silentMs = 0;

  constructor(silentMsMax: number) {
    this.#silentMsMax = silentMsMax;
  }

  begin(): void {
    if (this.#underWay === 0) this.#silentMs = 0;
    this.#underWay += 1;
  }

  end(): void {
    this.#underWay -= 1;
    this.#silentMs = 0;
  }

  /** @returns whether the thread counts as hung; once, until it answers something again */
  tick(elapsedMs: number): boolean {
    if (this.#underWay === 0) return false;
    const before = this.#silentMs;
    this.#silentMs += elapsedMs;
    return before < this.#silentMsMax && this.#silentMs >= this.#silentMsMax;
  }
}
