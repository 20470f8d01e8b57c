// Large requests: begun a few milliseconds' worth a turn of the event loop, and only while the store
// has room for what they ask of it. In between, connections are accepted (node accepts one a turn),
// small requests are answered and replies leave: none of them waits for all the large ones. First
// come, first served; what would wait too long is refused.
import { overloaded } from './work-in-flight.ts';

/** About twice what a batch of 500 operations takes. */
const turnMsMax = 2;

/** Behind one that has waited for so long, nothing is let in. */
const waitMsForMore = 1000;

/** What has waited for longer is refused instead of begun. */
const waitMsMax = 2000;

/** So few may always wait, however long: large batches of a few clients are no flood. */
const waitingAlways = 32;

/** How soon the store is looked at again that has no room; far less than it takes to run dry. */
const noRoomMs = 5;

export interface TurnQueueOptions {
  readonly monotonicMs: () => number;
  /** Whether the store is to be asked for more. */
  readonly hasRoom: () => boolean;
}

interface Waiting {
  readonly sinceMs: number;
  readonly begin: () => void;
  readonly refuse: (error: Error) => void;
}

export class TurnQueue {
  readonly #options: TurnQueueOptions;
  #waiting: Waiting[] = [];
  /** When this turn's first was begun; undefined where none was. */
  #beganAtMs: number | undefined;
  #isPlanned = false;

  constructor(options: TurnQueueOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** @throws StoreError where there are many before it that have waited too long already */
  check(): void {
    const [first] = this.#waiting;
    if (first === undefined || this.#waiting.length < waitingAlways) return;
    if (this.#ageMs(first) > waitMsForMore) throw overloaded();
  }

  /**
   * Does the work, at once where this turn has time left. What it returns may take its time.
   *
   * @throws StoreError where it has waited too long among many; it was not begun
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
      if (taken < surplus && this.#ageMs(one) > waitMsMax) one.refuse(overloaded());
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
