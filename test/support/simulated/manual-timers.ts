// Timers that run when the test says so.
import { setImmediate as nextTurn } from 'node:timers/promises';

export class ManualTimers {
  readonly #waiting: (() => void)[] = [];

  readonly later = (_ms: number, work: () => void): void => {
    this.#waiting.push(work);
  };

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Runs all work that waits now, and what follows from it without another wait. */
  async run(): Promise<void> {
    for (const work of this.#waiting.splice(0)) work();
    await nextTurn();
  }
}
