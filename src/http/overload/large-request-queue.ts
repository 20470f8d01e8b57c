// Begins large requests a few milliseconds' worth per turn of the event loop. The store must have
// room for their work. In between, node accepts connections (one a turn), small requests are
// answered and replies leave. None of them waits for all the large ones. First come, first served;
// the queue refuses a request that would wait too long.
import { tooMuchAsked } from './concurrency-limiter.ts';

/** About twice what a batch of 500 operations takes. */
const turnMsMax = 2;

/** Once the first waiting request has waited this long, new ones are refused. */
const waitMsForMore = 1000;

/** A request that has waited for longer is refused instead of begun. */
const waitMsMax = 2000;

/**
 * This many requests may always wait, however long: large batches of a few clients are no flood.
 */
const waitingAlways = 32;

/** Milliseconds between two checks of a store without room: far fewer than it takes to run dry. */
const noRoomMs = 5;

export interface LargeRequestQueueOptions {
  readonly monotonicMs: () => number;
  /** True if the store has room for more work. */
  readonly hasRoom: () => boolean;
}

interface Waiting {
  readonly sinceMs: number;
  readonly begin: () => void;
  readonly refuse: (error: Error) => void;
}

export class LargeRequestQueue {
  readonly #options: LargeRequestQueueOptions;
  #waiting: Waiting[] = [];
  /** The start of this turn's first request; undefined if there was none. */
  #beganAtMs: number | undefined;
  #isPlanned = false;

  constructor(options: LargeRequestQueueOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** @throws StoreError if many requests wait and the first has waited too long already */
  check(): void {
    const [first] = this.#waiting;
    if (first === undefined || this.#waiting.length < waitingAlways) return;
    if (this.#ageMs(first) > waitMsForMore) throw tooMuchAsked();
  }

  /**
   * Runs the work, at once if this turn has time left. The queue does not wait for a promise that
   * the work returns.
   *
   * @throws StoreError if the work has waited too long among many; the work was not begun
   */
  run<T>(work: () => T | Promise<T>): T | Promise<T> {
    if (this.#waiting.length === 0 && this.#options.hasRoom() && this.#hasTime()) return work();
    return new Promise((resolve, refuse) => {
      const begin = (): void => {
        try {
          resolve(work());
        } catch (error) {
          refuse(error);
        }
      };
      this.#waiting.push({ sinceMs: this.#options.monotonicMs(), begin, refuse });
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
    let taken = 0;
    const surplus = this.#waiting.length - waitingAlways;
    for (const one of this.#waiting) {
      if (taken < surplus && this.#ageMs(one) > waitMsMax) one.refuse(tooMuchAsked());
      else if (this.#options.hasRoom() && this.#hasTime()) one.begin();
      else break;
      taken += 1;
    }
    this.#waiting = this.#waiting.slice(taken);
    if (this.#waiting.length > 0) this.#plan();
  };

  #ageMs({ sinceMs }: Waiting): number {
    return this.#options.monotonicMs() - sinceMs;
  }

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
