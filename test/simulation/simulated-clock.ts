// Both clocks of a simulation. Wall time is seen by the store through one door, so what the store
// can know of it is known here too: the highest wall time it has been told, or has found on disk.
import type { Clock } from '../../src/base/clock.ts';

export class SimulatedClock implements Clock {
  onSeen: (wallMs: number) => void = () => {};
  #wall = 1_764_000_000_000;
  #monotonic = 0;
  #seen = 0;
  #highest = 0;

  /** The store's time: the highest that it knows of. */
  get seenMs(): number {
    return this.#seen;
  }

  /** The highest that any store has known of, though it may have forgotten since. */
  get highestMs(): number {
    return this.#highest;
  }

  wallMs(): number {
    this.storeKnows(this.#wall);
    return this.#wall;
  }

  /** The store has been told the time, or has found it on disk. */
  storeKnows(ms: number): void {
    if (ms <= this.#seen) return;
    this.#seen = ms;
    this.#highest = Math.max(this.#highest, ms);
    this.onSeen(ms);
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

  /** Between two lives of the store: what the next one knows is what is on disk. */
  setBack(ms: number): void {
    this.#wall -= ms;
    this.#seen = 0;
  }

  /** Over a restart in which the clock was not set. */
  catchUp(): void {
    this.#wall = Math.max(this.#wall, this.#seen);
  }
}
