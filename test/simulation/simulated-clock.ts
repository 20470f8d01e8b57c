// Both clocks of a simulation. Wall time is seen by the store through one door, so what the store
// can know of it is known here too: the highest wall time it has ever been told.
import type { Clock } from '../../src/base/clock.ts';

export class SimulatedClock implements Clock {
  onSeen: (wallMs: number) => void = () => {};
  #wall = 1_764_000_000_000;
  #monotonic = 0;
  #seen = 0;

  /** The highest wall time that the store was told. */
  get seenMs(): number {
    return this.#seen;
  }

  wallMs(): number {
    if (this.#wall > this.#seen) {
      this.#seen = this.#wall;
      this.onSeen(this.#seen);
    }
    return this.#wall;
  }

  monotonicMs(): number {
    return this.#monotonic;
  }

  advance(ms: number): void {
    this.#monotonic += ms;
    this.#wall += ms;
  }

  /** Wall time alone, either way. */
  jump(ms: number): void {
    this.#wall += ms;
  }

  /** Over a restart time starts no lower than the store knows from disk: it is not asked for more. */
  catchUp(): void {
    this.#wall = Math.max(this.#wall, this.#seen);
  }
}
