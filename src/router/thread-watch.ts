// Tells a thread that hangs from one that is busy: tasks are under way and none has been answered
// for too long. Counted in ticks and not by the clock, so that a process that was itself stopped
// does not take its threads for dead.
import { slowDiskBytesPerMs, taskMaxMs } from '../base/limits.ts';

export class ThreadWatch {
  /** How long each task under way may take, in milliseconds. */
  readonly #limits: number[] = [];
  #silentMs = 0;

  /**
   * @param bytes what the task may have to read or write
   * @returns what to call when it is answered
   */
  begin(bytes = 0): () => void {
    const limit = taskMaxMs + bytes / slowDiskBytesPerMs;
    if (this.#limits.length === 0) this.#silentMs = 0;
    this.#limits.push(limit);
    return () => {
      this.#limits.splice(this.#limits.indexOf(limit), 1);
      this.#silentMs = 0;
    };
  }

  /** @returns whether the thread counts as hung; once, until it answers something again */
  tick(elapsedMs: number): boolean {
    if (this.#limits.length === 0) return false;
    const limit = Math.max(...this.#limits);
    const before = this.#silentMs;
    this.#silentMs += elapsedMs;
    return before < limit && this.#silentMs >= limit;
  }
}
