// Compares the work that the store has not answered with the recent pace of the store. Lets in as
// much as the store answers within two seconds, and of each namespace its share, whatever others ask for.
// Must not know shards or queues.
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

/** Less than any work. */
const tiniest = 1e-6;

export function unitsOf(operations: number, bytes: number): number {
  return operations + bytes / bytesPerUnit;
}

export class ConcurrencyLimiter {
  readonly #nowMs: () => number;
  #units = 0;
  /** By namespace. The map holds no zeros. */
  readonly #unitsIn = new Map<string, number>();
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

  /** True if the store has as much to do as it answers in time. */
  get isFull(): boolean {
    return this.#units >= unitsAlways && this.#units >= this.#unitsMax();
  }

  /**
   * True if the store has as much to do as it answers in time, and the namespace has its share of that. Each
   * one has a share besides what others have already. So all of them have twice as much at most.
   */
  isFullFor(namespace: string): boolean {
    if (!this.isFull) return false;
    const own = this.#unitsIn.get(namespace) ?? 0;
    const namespaces = this.#unitsIn.size + (own === 0 ? 1 : 0);
    return own >= this.#unitsMax() / namespaces;
  }

  /**
   * Counts work for as long as the work lasts.
   *
   * @throws StoreError OVERLOADED if there is too much work already
   */
  during<T>(namespace: string, units: number, work: () => MaybePromise<T>): MaybePromise<T> {
    if (this.isFullFor(namespace)) throw tooMuchAsked();
    this.#begin(namespace, units);
    return withEnd(work, () => this.#end(namespace, units));
  }

  #unitsMax(): number {
    this.#measure();
    const pace = Math.max(this.#unitsPerSecond, this.#unitsPerSecondBefore);
    return Math.max(unitsAlways, pace * waitSecondsMax);
  }

  #begin(namespace: string, units: number): void {
    const wasBusy = this.#units >= unitsAlways;
    this.#units += units;
    this.#unitsIn.set(namespace, (this.#unitsIn.get(namespace) ?? 0) + units);
    if (wasBusy || this.#units < unitsAlways) return;
    // The measurement begins here: only a store with enough to do shows its pace.
    this.#unitsDone = 0;
    this.#windowStartedAtMs = this.#nowMs();
  }

  #end(namespace: string, units: number): void {
    this.#units -= units;
    const left = (this.#unitsIn.get(namespace) ?? 0) - units;
    // Sums of fractions may be a little off.
    if (left < tiniest) this.#unitsIn.delete(namespace);
    else this.#unitsIn.set(namespace, left);
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
