// Chooses the next of all possible actions, one step at a time. Nothing else makes anything happen.
// Sends no call itself, and knows no client.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pickFrom, randomBelow } from '../support/random.ts';
import type { ProcessLives } from './process-lives.ts';
import { demand, Violation } from './run-record.ts';
import type { AnyThread } from './simulated-process.ts';
import type { SimulationParts } from './simulation-parts.ts';

export type Action = () => void;

const stepsMax = 60_000;
export const tickMs = 50;
const answeredWithinMs = 60_000;

export class Scheduler {
  readonly #parts: SimulationParts;
  readonly #lives: ProcessLives;
  /** Thread -> the step until which it does nothing. */
  readonly #slowUntil = new Map<string, number>();

  constructor(parts: SimulationParts, lives: ProcessLives) {
    this.#parts = parts;
    this.#lives = lives;
  }

  /**
   * @param thread by name
   * @param steps the thread does nothing for so many steps, at most
   */
  slowDown(thread: string, steps: number): void {
    this.#slowUntil.set(
      thread,
      this.#parts.record.figures.steps + randomBelow(this.#parts.random, steps),
    );
  }

  advance(ms: number): void {
    this.#parts.record.note(`${ms} ms pass`);
    this.#parts.clock.advance(ms);
    this.#lives.current.tick();
  }

  /** All actions that are possible now. */
  actions(): Action[] {
    const process = this.#lives.current;
    const actions: Action[] = [];
    if (process.hasDeferred) {
      const endTurn = (): void => {
        this.#parts.record.note('turn');
        process.endTurn();
      };
      actions.push(endTurn, endTurn);
    }
    for (const thread of process.liveThreads) actions.push(...this.#actionsOf(thread));
    return actions;
  }

  /** A step without faults or clients. */
  async goOn(): Promise<void> {
    const actions = this.actions();
    if (actions.length === 0) this.advance(tickMs);
    else pickFrom(this.#parts.random, actions)();
    await this.settle();
    this.#lives.replaceIfGone();
  }

  /** Continues without faults until there is an answer. */
  async finish<T>(work: Promise<T> | undefined): Promise<T> {
    const answered = { isDone: false };
    const noteWhenDone = async (): Promise<void> => {
      await Promise.allSettled([work]);
      answered.isDone = true;
    };
    void noteWhenDone();
    await this.until('an answer', () => answered.isDone);
    return (await work) as T;
  }

  async until(what: string, isDone: () => boolean): Promise<void> {
    const { clock } = this.#parts;
    const fromMs = clock.monotonicMs();
    while (!isDone()) {
      const isInTime = clock.monotonicMs() - fromMs < answeredWithinMs;
      demand(isInTime, `${what}: not within a minute`);
      await this.goOn();
    }
  }

  /** Ends a step, and judges the rules that hold after each step. */
  async settle(): Promise<void> {
    const { record, judge, roomJudge, faults, access } = this.#parts;
    // Promises that can settle must settle before the next choice.
    await nextTurn();
    record.figures.steps += 1;
    if (record.violation !== undefined) throw new Violation(record.violation);
    const isEndless = record.figures.steps >= stepsMax;
    if (isEndless) throw new Violation(`it does not end: ${this.#lives.describeShards()}`);
    const process = this.#lives.current;
    if (process.store !== undefined && !process.isKnownToServe) {
      process.isKnownToServe = true;
      judge.noteServing(process);
      roomJudge.noteServing(process.store);
    }
    if (process.store !== undefined && process.access !== undefined && !process.isDead) {
      access?.judge.perhapsLook(process, process.store, process.access);
    }
    this.#judgeGivenUp();
    if (!faults.isStopped) this.#lives.replaceIfGone();
  }

  /** A shard may be given up only in a crash loop. */
  #judgeGivenUp(): void {
    const { record, faults } = this.#parts;
    const process = this.#lives.current;
    const failed = process.store?.status().shards.find(({ state }) => state === 'failed');
    const isCrashLoop = process.threadDeaths + record.figures.threadHangs > 5;
    if (failed !== undefined && !process.isDead && !isCrashLoop) {
      throw new Violation(`shard ${failed.shard} is given up: ${failed.reason}`);
    }
    if (failed !== undefined && faults.isStopped && isCrashLoop) process.isDead = true;
  }

  #actionsOf(thread: AnyThread): Action[] {
    const { random, record, faults } = this.#parts;
    const isSlow = (this.#slowUntil.get(thread.name) ?? 0) > record.figures.steps;
    if (isSlow && !faults.isStopped) return [];
    const actions: Action[] = [];
    if (thread.canWork) actions.push(() => record.note(`${thread.name} begins ${thread.work()}`));
    if (thread.canDeliver) {
      actions.push(() => record.note(`${thread.name} has answered ${thread.deliver()}`));
    }
    if (thread.canFinishSync) {
      actions.push(() => {
        record.note(`${thread.name} ends a sync`);
        thread.finishSync();
      });
    }
    if (thread.isEnding) {
      actions.push(() => {
        record.note(`${thread.name} exits`);
        faults.endsSoon(thread);
        thread.exit(random() < 0.5);
      });
    }
    return actions;
  }
}
