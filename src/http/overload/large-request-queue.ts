// Begins large requests a few milliseconds' worth per turn of the event loop. The store must have
// room for their work. In between, node accepts connections (one a turn), small requests are
// answered and replies leave. None of them waits for all the large ones. Namespaces take turns, and within
// one it is first come, first served. The queue refuses a request that would wait too long.
import { FairRound } from '../../base/fair-round.ts';
import { tooMuchAsked } from './concurrency-limiter.ts';

/** About twice what a batch of 500 operations takes. */
const turnMsMax = 2;

/** Once the first waiting request has waited this long, new ones are refused. */
const waitMsForMore = 1000;

/** A request that has waited for longer is refused instead of begun. */
const waitMsMax = 2000;

/**
 * This many requests of a namespace may always wait, however long: large batches of a few clients are no
 * flood.
 */
const waitingAlways = 32;

/** Milliseconds between two checks of a store without room: far fewer than it takes to run dry. */
const noRoomMs = 5;

export interface LargeRequestQueueOptions {
  readonly monotonicMs: () => number;
  /** True if the store has room for more work. */
  readonly hasRoom: () => boolean;
}

export class LargeRequestQueue {
  readonly #options: LargeRequestQueueOptions;
  readonly #waiting = new FairRound();
  /** The start of this turn's first request; undefined if there was none. */
  #beganAtMs: number | undefined;
  #isPlanned = false;

  constructor(options: LargeRequestQueueOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** @throws StoreError if many requests of the namespace wait and the first has waited too long already */
  check(namespace: string): void {
    if (this.#waiting.sizeOf(namespace) < waitingAlways) return;
    const nowMs = this.#options.monotonicMs();
    const sinceMs = this.#waiting.waitsSince(namespace) ?? nowMs;
    if (nowMs - sinceMs > waitMsForMore) throw tooMuchAsked();
  }

  /**
   * Runs the work, at once if this turn has time left. The queue does not wait for a promise that
   * the work returns.
   *
   * @param units about the size of the work
   * @throws StoreError if the work has waited too long among many; the work was not begun
   */
  run<T>(namespace: string, units: number, work: () => T | Promise<T>): T | Promise<T> {
    if (this.#waiting.size === 0 && this.#options.hasRoom() && this.#hasTime()) return work();
    return new Promise((resolve, refuse) => {
      const place = (): void => {
        try {
          resolve(work());
        } catch (error) {
          refuse(error);
        }
      };
      const sinceMs = this.#options.monotonicMs();
      this.#waiting.add(namespace, { units, sinceMs, place, refuse });
      this.#plan();
    });
  }

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    if (this.#options.hasRoom()) setImmediate(this.#beginSome);
    else setTimeout(this.#beginSome, noRoomMs);
  }

  readonly #beginSome = (): void => {
    this.#isPlanned = false;
    const lateMs = this.#options.monotonicMs() - waitMsMax;
    for (const late of this.#waiting.takeBefore(lateMs, waitingAlways)) late.refuse(tooMuchAsked());
    while (this.#waiting.size > 0 && this.#options.hasRoom() && this.#hasTime()) {
      this.#waiting.next()?.place();
    }
    if (this.#waiting.size > 0) this.#plan();
  };

  #hasTime(): boolean {
    const nowMs = this.#options.monotonicMs();
    if (this.#beganAtMs !== undefined) return nowMs - this.#beganAtMs < turnMsMax;
    this.#beganAtMs = nowMs;
    setImmediate(this.#endTurn);
    return true;
  }

  readonly #endTurn = (): void => {
    this.#beganAtMs = undefined;
  };
}
