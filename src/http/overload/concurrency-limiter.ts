// Compares the work that the store has not answered with the recent pace of the store. Lets in as
// much as the store answers within two seconds. Must not know shards or queues.
import type { StoreError } from '../../base/errors.ts';
import { withEnd, type MaybePromise } from '../../base/maybe-promise.ts';
import { overloaded } from '../../base/overloaded.ts';

/** The store may take so many seconds to answer the work that the limiter lets in. */
const waitSecondsMax = 2;

/** An operation is one unit; carrying and writing this many bytes is one as well. */
const bytesPerUnit = 2048;

/**
 * As much as 64 connections with 1,000 operations each. Below this the limiter measures and refuses
 * nothing.
 */
const unitsAlways = 65_536;

/** Enough to keep the shards busy until there is more, and little enough to be done soon. */
const unitsEnough = 16_384;

/** Assumed until there is a measurement: a burst on a new server is no overload yet. */
const unitsPerSecondAtFirst = 65_536;

/** The pace is the better one of two windows, so one slow moment does not refuse every request. */
const windowMs = 500;

export function unitsOf(operations: number, bytes: number): number {
  return operations + bytes / bytesPerUnit;
}

export class ConcurrencyLimiter {
  readonly #nowMs: () => number;
  #units = 0;
  #windowStartedAtMs = 0;
  #unitsDone = 0;
  #unitsPerSecond = unitsPerSecondAtFirst;
  #unitsPerSecondBefore = 0;

  /** @param nowMs monotonic */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get units(): number {
    return this.#units;
  }

  /** True if the store has enough to do for now, so that large requests should wait outside. */
  get isEnough(): boolean {
    return this.#units >= unitsEnough;
  }

  get isFull(): boolean {
    if (this.#units < unitsAlways) return false;
    this.#measure();
    const pace = Math.max(this.#unitsPerSecond, this.#unitsPerSecondBefore);
    return this.#units >= pace * waitSecondsMax;
  }

  /** @throws StoreError if there is too much work already */
  check(): void {
    if (this.isFull) throw tooMuchAsked();
  }

  /**
   * Counts work for as long as the work lasts.
   *
   * @throws StoreError as `check` does
   */
  during<T>(units: number, work: () => MaybePromise<T>): MaybePromise<T> {
    this.check();
    this.#begin(units);
    return withEnd(work, () => this.#end(units));
  }

  #begin(units: number): void {
    const wasBusy = this.#units >= unitsAlways;
    this.#units += units;
    if (wasBusy || this.#units < unitsAlways) return;
    // The measurement begins here: only a store with enough to do shows its pace.
    this.#unitsDone = 0;
    this.#windowStartedAtMs = this.#nowMs();
  }

  #end(units: number): void {
    this.#units -= units;
    this.#unitsDone += units;
  }

  #measure(): void {
    const elapsedMs = this.#nowMs() - this.#windowStartedAtMs;
    if (elapsedMs < windowMs) return;
    this.#unitsPerSecondBefore = this.#unitsPerSecond;
    this.#unitsPerSecond = (this.#unitsDone * 1000) / elapsedMs;
    this.#unitsDone = 0;
    this.#windowStartedAtMs += elapsedMs;
  }
}

export function tooMuchAsked(): StoreError {
  return overloaded('More is asked at the moment than can be answered in time.');
}
