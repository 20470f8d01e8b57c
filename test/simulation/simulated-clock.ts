// Both clocks of a simulation. The store takes wall time from here only. So this knows the highest
// time that the store has read, or has found on disk.
import type { Clock } from '../../src/base/clock.ts';

export class SimulatedClock implements Clock {
  onSeen: (wallMs: number) => void = () => {};
  #wall = 1_764_000_000_000;
  #monotonic = 0;
  #seen = 0;
  #highest = 0;

  /** The store's time: the highest that it knows. */
  get seenMs(): number {
    return this.#seen;
  }

  /** The highest time that any process knew, even if a later one does not. */
  get highestMs(): number {
    return this.#highest;
  }

  wallMs(): number {
    this.storeKnows(this.#wall);
    return this.#wall;
  }

  /** The store has read this time, or has found it on disk. */
  storeKnows(ms: number): void {
    if (ms <= this.#seen) return;
    this.#seen = ms;
    this.#highest = Math.max(this.#highest, ms);
    this.onSeen(ms);
  }

  /** Wall time, for readers other than the store. */
  get presentMs(): number {
    return this.#wall;
  }

  monotonicMs(): number {
    return this.#monotonic;
  }

  advance(ms: number): void {
    this.#monotonic += ms;
    this.#wall += ms;
  }

  /** Moves wall time alone, in either direction. */
  jump(ms: number): void {
    this.#wall += ms;
  }

  /** Sets wall time between two processes. The next process knows only the times on disk. */
  setBack(ms: number): void {
    this.#wall -= ms;
    this.#seen = 0;
  }

  /** Lets wall time pass the store's time over a restart, as if nothing had set the clock. */
  catchUp(): void {
    this.#wall = Math.max(this.#wall, this.#seen);
  }
}
