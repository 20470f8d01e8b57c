// Tells a first signal to stop (stop cleanly) from a second (end at once). Does not know how to
// stop a server.
import type { EventEmitter } from 'node:events';
import { constants } from 'node:os';
import type { Clock } from '../base/clock.ts';
import type { StopSignal } from './process-signals.ts';

/** npm passes a Ctrl-C on to a program that has had it from the terminal already. */
const sameKeystrokeMs = 500;

interface StopSignalsOptions {
  /** The source of signals: the process, or a test. */
  readonly source: EventEmitter;
  /** The signals that ask to stop. */
  readonly signals: readonly StopSignal[];
  readonly clock: Clock;
  /** Ends the process with this code. */
  readonly exit: (code: number) => void;
}

export class StopSignals {
  /** Resolves with the first signal. */
  readonly first: Promise<StopSignal>;
  readonly #clock: Clock;
  readonly #exit: (code: number) => void;
  #receivedAtMs: number | undefined;

  constructor({ source, signals, clock, exit }: StopSignalsOptions) {
    this.#clock = clock;
    this.#exit = exit;
    this.first = new Promise((resolve) => {
      const receive = (signal: StopSignal) => this.#receive(signal, resolve);
      for (const signal of signals) source.on(signal, receive);
    });
  }

  get received(): boolean {
    return this.#receivedAtMs !== undefined;
  }

  #receive(signal: StopSignal, resolve: (signal: StopSignal) => void): void {
    const now = this.#clock.monotonicMs();
    if (this.#receivedAtMs === undefined) {
      this.#receivedAtMs = now;
      resolve(signal);
    } else if (now - this.#receivedAtMs >= sameKeystrokeMs) {
      // 128 + the signal's number, as a shell reports a process that a signal has ended.
      this.#exit(128 + constants.signals[signal]);
    }
  }
}
