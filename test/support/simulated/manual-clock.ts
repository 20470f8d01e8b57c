// A clock that the test sets.
import type { Clock } from '../../../src/base/clock.ts';

export class ManualClock implements Clock {
  #wall: number;
  #monotonic = 0;

  constructor(wallMs = 1_764_000_000_000) {
    this.#wall = wallMs;
  }

  wallMs(): number {
    return this.#wall;
  }

  monotonicMs(): number {
    return this.#monotonic;
  }

  advance(ms: number): void {
    this.#wall += ms;
    this.#monotonic += ms;
  }

  /** Moves wall time alone, in either direction, as an operator or a time server does. */
  jump(ms: number): void {
    this.#wall += ms;
  }
}
