// How much work the store has been given and not answered, against how much it gets done: so much
// is let in as is answered within two seconds at the pace of late. Knows no shard and no queue.
import { StoreError } from '../../base/errors.ts';

/** How long what is let in may take to be answered. */
const waitSecondsMax = 2;

/** An operation is a unit, and so is what this many bytes cost to carry and to write. */
const bytesPerUnit = 2048;

/** As much as 64 connections with 1,000 operations each; below it nothing is measured or refused. */
const unitsAlways = 65_536;

/** Enough for the shards to be busy until there is more, and little enough to be done soon. */
const unitsEnough = 16_384;

/** Believed until there is a measurement: a burst on a new server is no overload yet. */
const unitsPerSecondAtFirst = 65_536;

/** The pace is that of the better of two windows, so that one slow moment does not shut the door. */
const windowMs = 500;

export function unitsOf(operations: number, bytes: number): number {
  return operations + bytes / bytesPerUnit;
}

export class WorkInFlight {
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

  /** Whether the store has enough to do for now: what is large had better wait outside of it. */
  get isEnough(): boolean {
    return this.#units >= unitsEnough;
  }

  get isFull(): boolean {
    if (this.#units < unitsAlways) return false;
    this.#measure();
    const pace = Math.max(this.#unitsPerSecond, this.#unitsPerSecondBefore);
    return this.#units >= pace * waitSecondsMax;
  }

  /** @throws StoreError where there is too much already */
  check(): void {
    if (this.isFull) throw overloaded();
  }

  /**
   * Counts work for as long as it lasts.
   *
   * @throws StoreError as `check` does
   */
  async during<T>(units: number, work: () => T | Promise<T>): Promise<T> {
    this.check();
    this.#begin(units);
    try {
      return await work();
    } finally {
      this.#units -= units;
      this.#unitsDone += units;
    }
  }

  #begin(units: number): void {
    const wasBusy = this.#units >= unitsAlways;
    this.#units += units;
    if (wasBusy || this.#units < unitsAlways) return;
    // Only a store with enough to do shows its pace.
    this.#unitsDone = 0;
    this.#windowStartedAtMs = this.#nowMs();
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

export function overloaded(): StoreError {
  return new StoreError('OVERLOADED', 'More is asked at the moment than can be answered in time.', {
    retryable: true,
    retryAfterMs: 1000,
  });
}
