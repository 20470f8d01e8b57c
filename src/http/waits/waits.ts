// Owns the requests that wait until something happens, for as long as they wait: how many there may be,
// and when each ends. One timer serves all of them. A wait ends when it is woken, when its time is over,
// when its caller has lost the right to the answer, when its connection ends, or when the server stops.
// Knows neither the store nor the thing that is waited for.
import type { Socket } from 'node:net';
import { DeadlineQueue, type Deadline } from '../../base/deadline-queue.ts';
import { retrySoon, StoreError } from '../../base/errors.ts';

export interface WaitsOptions {
  /** Requests of one namespace that may wait at a time. */
  readonly waitersMax: number;
  readonly monotonicMs: () => number;
}

/** A request that is to wait. */
export interface Waiter {
  readonly namespace: string;
  readonly waitMs: number;
  /** The connection of the request. */
  readonly socket: Socket;
  /** The error that refuses the answer to the caller, by its present rights. */
  readonly refusal: () => StoreError | undefined;
  /**
   * Called once, when the wait is over. Must not throw.
   *
   * @param refusal the answer in place of any other
   */
  readonly onEnd: (refusal: StoreError | undefined) => void;
}

/** Waits that end in one turn of the event loop: answers to thousands must not hold up all others. */
const endsInTurn = 100;

/** Within this time, a caller that has lost its rights learns of it. */
const judgeMs = 1000;

/** One request that waits. */
export class Wait {
  readonly waiter: Waiter;
  readonly #waits: Waits;
  deadline: Deadline<Wait> | undefined;
  /** True once there is something to answer. */
  isWoken = false;
  /** True once the wait ends whatever there is to answer. */
  isLast = false;
  isEnding = false;

  constructor(waiter: Waiter, waits: Waits) {
    this.waiter = waiter;
    this.#waits = waits;
  }

  /** Ends the wait soon: there is something to answer. */
  wake(): void {
    this.isWoken = true;
    this.#waits.endSoon(this);
  }

  /** Ends the wait soon, with what there is to answer. */
  readonly stop = (): void => {
    this.isLast = true;
    this.#waits.endSoon(this);
  };

  /** The connection is closed: there is no one to answer. */
  readonly leave = (): void => this.#waits.end(this, undefined);
}

export class Waits {
  readonly #options: WaitsOptions;
  readonly #waiting = new Set<Wait>();
  readonly #countIn = new Map<string, number>();
  readonly #deadlines = new DeadlineQueue<Wait>();
  /** Waits that are about to end, in order. */
  readonly #ending: Wait[] = [];
  #isTurnPlanned = false;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Infinity;
  #judgeAtMs = Infinity;
  #isStopping = false;

  constructor(options: WaitsOptions) {
    this.#options = options;
  }

  /** Requests that wait now. */
  get count(): number {
    return this.#waiting.size;
  }

  /** @throws StoreError WAITERS_FULL */
  begin(waiter: Waiter): Wait {
    const { namespace, socket, waitMs } = waiter;
    this.#countIn.set(namespace, this.#roomIn(namespace) + 1);
    const wait = new Wait(waiter, this);
    const nowMs = this.#options.monotonicMs();
    if (this.#waiting.size === 0) this.#judgeAtMs = nowMs + judgeMs;
    this.#waiting.add(wait);
    wait.deadline = this.#deadlines.add(wait, nowMs + waitMs);
    // The time limits of an idle connection, or of one that does not read, are not those of a wait.
    socket.setTimeout(0);
    // A client that has gone looks like one that has ended its side. One that still listens is answered.
    socket.once('end', wait.stop).once('close', wait.leave);
    if (this.#isStopping || socket.readableEnded || socket.destroyed) wait.stop();
    this.#plan();
    return wait;
  }

  /** Ends all waits, and each later one as soon as it begins. */
  stop(): void {
    this.#isStopping = true;
    for (const wait of this.#waiting) wait.stop();
  }

  /** Ends the wait in a turn of the event loop to come. */
  endSoon(wait: Wait): void {
    if (wait.isEnding || !this.#waiting.has(wait)) return;
    wait.isEnding = true;
    this.#ending.push(wait);
    if (this.#isTurnPlanned) return;
    this.#isTurnPlanned = true;
    setImmediate(this.#endSome);
  }

  /** Ends the wait now. */
  end(wait: Wait, refusal: StoreError | undefined): void {
    if (!this.#waiting.delete(wait)) return;
    const { namespace, socket, onEnd } = wait.waiter;
    const count = (this.#countIn.get(namespace) ?? 1) - 1;
    if (count === 0) this.#countIn.delete(namespace);
    else this.#countIn.set(namespace, count);
    if (wait.deadline !== undefined) this.#deadlines.remove(wait.deadline);
    socket.off('end', wait.stop).off('close', wait.leave);
    if (this.#waiting.size === 0) this.#stopTimer();
    onEnd(refusal);
  }

  readonly #endSome = (): void => {
    for (const wait of this.#ending.splice(0, endsInTurn)) {
      wait.isEnding = false;
      this.#judge(wait);
    }
    this.#isTurnPlanned = this.#ending.length > 0;
    if (this.#isTurnPlanned) setImmediate(this.#endSome);
  };

  /** Ends the wait if there is something to answer, or the caller may not have any answer. */
  #judge(wait: Wait): void {
    if (!this.#waiting.has(wait)) return;
    const refusal = wait.waiter.refusal();
    // Such as while the namespace is dropped: it is known soon whether it is.
    const isForNow = refusal?.retryable === true && !wait.isLast;
    const isOver = refusal === undefined ? wait.isWoken || wait.isLast : !isForNow;
    if (isOver) this.end(wait, refusal);
  }

  /** @returns the number of waits in the namespace, which has room for one more */
  #roomIn(namespace: string): number {
    const { waitersMax } = this.#options;
    const count = this.#countIn.get(namespace) ?? 0;
    if (count < waitersMax) return count;
    const detail =
      `${count} requests wait in the namespace ${JSON.stringify(namespace)}; allowed: ${waitersMax} ` +
      '(waitersMax). Nothing was done: ask again later, or without wait.';
    throw new StoreError('WAITERS_FULL', detail, { ...retrySoon, limit: waitersMax });
  }

  /** Sets the timer for the next deadline or judgement, whichever comes first. */
  #plan(): void {
    if (this.#waiting.size === 0) return;
    const atMs = Math.min(this.#deadlines.nextAt, this.#judgeAtMs);
    if (this.#timer !== undefined && this.#timerAtMs <= atMs) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    const inMs = Math.max(0, Math.ceil(atMs - this.#options.monotonicMs()));
    this.#timer = setTimeout(this.#onTime, inMs).unref();
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  readonly #onTime = (): void => {
    this.#timer = undefined;
    const nowMs = this.#options.monotonicMs();
    for (;;) {
      const late = this.#deadlines.takeDue(nowMs);
      if (late === undefined) break;
      late.stop();
    }
    if (nowMs >= this.#judgeAtMs) {
      this.#judgeAtMs = nowMs + judgeMs;
      for (const wait of this.#waiting) if (!wait.isEnding) this.#judge(wait);
    }
    this.#plan();
  };
}
