// Chooses faults and their time: before each step, by the rates of the plan.
import { pickFrom, randomBelow } from '../support/random.ts';
import type { ProcessLives } from './process-lives.ts';
import type { Scheduler } from './scheduler.ts';
import type { AnyThread } from './simulated-process.ts';
import type { SimulationParts } from './simulation-parts.ts';

const slowStepsMax = 60;
const passingMsMax = 60;
const slowCompactorStepsMax = 400;
/** So few calls to the disk that a transaction in flight does not end before them. */
const soonCalls = 4;
/** The rate of faults during a start, in steps out of 10,000. */
const startDisturbance = 1000;

export class FaultChoice {
  readonly #parts: SimulationParts;
  readonly #lives: ProcessLives;
  readonly #scheduler: Scheduler;

  constructor(parts: SimulationParts, lives: ProcessLives, scheduler: Scheduler) {
    this.#parts = parts;
    this.#lives = lives;
    this.#scheduler = scheduler;
  }

  perhaps(): void {
    const { random, plan, faults } = this.#parts;
    const lives = this.#lives;
    const threads = lives.current.liveThreads.filter((thread) => !thread.isEnding);
    if (this.#happens(plan.faults.kill)) faults.killSoon(lives.current);
    if (this.#happens(plan.faults.powerCut)) lives.cutPower();
    if (this.#happens(plan.faults.threadDeath) && threads.length > 0) this.#kill(threads);
    if (this.#happens(plan.faults.threadHang)) this.#hang(threads);
    this.#perhapsOfTheDisk();
    if (this.#happens(plan.faults.close)) lives.close();
    if (this.#happens(plan.faults.clockJump) && lives.current.store !== undefined) this.#jump();
    const isStarting = lives.current.store === undefined;
    if (!isStarting && this.#happens(plan.faults.amidTransaction)) {
      this.#disturbTransaction(threads);
    }
    const { amidTransaction } = plan.faults;
    if (isStarting && this.#happens(amidTransaction && startDisturbance)) {
      this.#disturbStart(threads);
    }
    if (this.#isMakingRoom && random() < 0.1) this.#disturbCompaction();
    if (random() < 0.01 && threads.length > 0) {
      this.#scheduler.slowDown(pickFrom(random, threads).name, slowStepsMax);
    }
  }

  #perhapsOfTheDisk(): void {
    const { plan, faults, record } = this.#parts;
    const { ioError, fullDisk } = plan.faults;
    if (this.#happens(ioError)) {
      record.figures.ioErrors += 1;
      faults.beginIoErrors();
    }
    if (this.#happens(fullDisk)) {
      record.figures.fullDisks += 1;
      faults.fillDisk();
    }
    if (this.#happens(fullDisk)) faults.emptyDisk();
    if (this.#happens(ioError)) faults.endIoErrors();
  }

  /** True during a compaction on a full disk. It is rare, and much depends on how it ends. */
  get #isMakingRoom(): boolean {
    const { store } = this.#lives.current;
    if (this.#parts.disk.capacityBytes === Infinity || store === undefined) return false;
    return store.status().compactions.running > 0;
  }

  /**
   * Transactions over several shards are in flight for a few steps only. Much depends on the exact
   * step of a fault.
   */
  #disturbTransaction(threads: readonly AnyThread[]): void {
    const { random, faults, ledger, record } = this.#parts;
    const names = ledger.openShards.map((shard) => `shard ${shard}`);
    if (names.length === 0) return;
    const { current } = this.#lives;
    const name = pickFrom(random, names);
    const thread = threads.find((each) => each.name === name);
    const choice = random();
    if (choice < 0.2) {
      this.#scheduler.slowDown(name, slowStepsMax);
    } else if (choice < 0.35) {
      // An entry that the transaction has read may have a deadline.
      this.#scheduler.advance(1 + randomBelow(random, passingMsMax));
    } else if (choice < 0.6) {
      // The next process finds unsynced writes, and a power cut may remove them.
      faults.killSoon(current, soonCalls, random() < 0.7 ? 'sync' : undefined);
    } else if (choice < 0.7) {
      this.#lives.cutPower();
    } else if (choice < 0.87) {
      if (thread !== undefined) faults.threadDiesSoon(current, thread);
    } else if (!faults.isFailing) {
      record.figures.ioErrors += 1;
      faults.beginIoErrors(['sync']);
    }
  }

  /**
   * Disturbs a start that resolves transactions. It may end after one shard has recorded an
   * outcome, and before another one has.
   */
  #disturbStart(threads: readonly AnyThread[]): void {
    const { random, faults, ledger } = this.#parts;
    if (!ledger.isAnyLeft || threads.length === 0) return;
    const choice = random();
    if (choice < 0.5) this.#scheduler.slowDown(pickFrom(random, threads).name, slowStepsMax);
    else if (choice < 0.8) this.#lives.cutPower();
    else faults.killSoon(this.#lives.current, soonCalls);
  }

  /** Slows the compaction down, or makes it or its shard fail. */
  #disturbCompaction(): void {
    const { random, faults, record } = this.#parts;
    const choice = random();
    if (choice < 0.6) this.#scheduler.slowDown('compactor', slowCompactorStepsMax);
    if (choice < 0.2 || faults.isFailing) return;
    record.figures.ioErrors += 1;
    if (choice < 0.8) faults.beginIoErrors(['sync']);
    else faults.beginIoErrors();
  }

  /** @param rate in steps out of 10,000 */
  #happens(rate: number): boolean {
    return rate > 0 && this.#parts.random() * 10_000 < rate;
  }

  #kill(threads: readonly AnyThread[]): void {
    const { random, faults, record } = this.#parts;
    const process = this.#lives.current;
    const thread = pickFrom(random, threads);
    if (random() < 0.7) {
      faults.threadDiesSoon(process, thread);
      return;
    }
    record.note(`the thread of ${thread.name} dies between tasks`);
    process.threadDeaths += 1;
    thread.die('it died');
  }

  #hang(threads: readonly AnyThread[]): void {
    const { random, record } = this.#parts;
    if (threads.length === 0 || this.#lives.isClosing) return;
    if (this.#lives.current.store === undefined) return;
    const thread = pickFrom(random, threads);
    // The store does not watch the later tasks of a backup: only its reader waits for them.
    if (thread.name === 'backup' && thread.nextTask !== 'begin') return;
    record.figures.threadHangs += 1;
    record.note(`the thread of ${thread.name} hangs`);
    thread.isHung = true;
    this.#lives.current.hadHang = true;
  }

  #jump(): void {
    const { random, record, clock } = this.#parts;
    const ms = randomBelow(random, 6000) - 3000;
    record.note(`wall time jumps by ${ms} ms`);
    clock.jump(ms);
  }
}
