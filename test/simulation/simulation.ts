// One whole run from a seed: clients, faults, restarts; then the faults stop, and everything must be
// well. One scheduler decides what happens next; nothing happens beside it.
import { createHash, type Hash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ShardTasks, TaskAnswer } from '../../src/protocol/shard-task.ts';
import { encodeBatch } from '../../src/protocol/batch-frame.ts';
import { decodeReply } from '../../src/protocol/reply-frame.ts';
import type { PageItem, ShardReport } from '../../src/protocol/shard-operation.ts';
import { defaultNamespace } from '../../src/storage/record.ts';
import { StoreError, systemErrorCode } from '../../src/base/errors.ts';
import type { Result } from '../../src/store/result.ts';
import { shardOfSlot, slotOfKey } from '../../src/store/slot.ts';
import type { Call } from '../support/history/recorded-call.ts';
import { pickFrom, randomBelow, seededRandom, type Random } from '../support/random.ts';
import { ClientHistory } from './client-history.ts';
import { FaultInjector } from './fault-injector.ts';
import { RandomClient, readAll, type ClientSurroundings } from './random-client.ts';
import { entryOf, ShardLog, textOf, type LoggedEntry } from './shard-log.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { Gone, SimulatedProcess, type AnyThread } from './simulated-process.ts';
import type { Handlers } from './simulated-task-thread.ts';
import { planFrom, type SimulationPlan } from './simulation-plan.ts';

export interface SimulationOutcome {
  readonly seed: number;
  /** What was wrong; undefined where nothing was. */
  readonly violation: string | undefined;
  readonly plan: SimulationPlan;
  /** The last things that happened. */
  readonly trace: readonly string[];
  /** Of everything that happened: two runs of one seed have the same. */
  readonly hash: string;
  readonly figures: SimulationFigures;
}

export interface SimulationFigures {
  steps: number;
  operations: number;
  starts: number;
  kills: number;
  powerCuts: number;
  threadDeaths: number;
  threadHangs: number;
  ioErrors: number;
  fullDisks: number;
  closes: number;
}

class Violation extends Error {}

const traceKept = 400;
const stepsMax = 60_000;
/** Promised: a shard serves again so long after its disk works and has room. */
const healMs = 10_000;
/** A hung thread is noticed after 15 s. */
const hangMs = 16_000;
const tickMs = 50;

export async function simulate(seed: number): Promise<SimulationOutcome> {
  return await new Simulation(seed).run();
}

class Simulation {
  readonly #seed: number;
  readonly #random: Random;
  readonly #plan: SimulationPlan;
  readonly #hash: Hash = createHash('sha256');
  readonly #trace: string[] = [];
  readonly #clock = new SimulatedClock();
  readonly #disk: SimulatedDisk;
  readonly #faults: FaultInjector;
  readonly #history: ClientHistory;
  readonly #clients: RandomClient[];
  readonly #surroundings: ClientSurroundings;
  #logs: ShardLog[] = [];
  /** Of each version of each shard, the value it was given to. */
  readonly #valueOf = new Map<string, string>();
  /** What each shard held when it was last recovered. */
  readonly #recovered = new Map<number, readonly PageItem<Uint8Array>[]>();
  /** A power cut may have taken what was acknowledged: the history begins anew. */
  #beginsAnew = false;
  readonly #slowUntil = new Map<AnyThread, number>();
  #process: SimulatedProcess;
  #isClosing = false;
  /** Written, acknowledged and not for certain on stable storage. */
  #mayLose = false;
  /** A power cut since the shard was last recovered. */
  #lossy = new Set<number>();
  #violation: string | undefined;
  #isHealing = false;
  readonly #figures: SimulationFigures = {
    steps: 0,
    operations: 0,
    starts: 0,
    kills: 0,
    powerCuts: 0,
    threadDeaths: 0,
    threadHangs: 0,
    ioErrors: 0,
    fullDisks: 0,
    closes: 0,
  };

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = seededRandom(seed);
    this.#plan = planFrom(this.#random);
    this.#disk = new SimulatedDisk(this.#random);
    this.#faults = new FaultInjector(this.#random, this.#disk, (line) => this.#note(line));
    this.#history = new ClientHistory(() => this.#clock.seenMs);
    this.#clock.onSeen = () => this.#history.timePassed();
    this.#surroundings = {
      random: this.#random,
      keys: this.#plan.keys,
      history: this.#history,
      onResult: (key, call, result) => this.#onResult(key, call, result),
    };
    this.#clients = Array.from(
      { length: this.#plan.clients },
      (_, index) => new RandomClient(`c${index}`, this.#surroundings),
    );
    this.#logs = Array.from({ length: this.#plan.settings.shards }, () => new ShardLog());
    this.#process = this.#newProcess(this.#plan.settings.fsync);
  }

  async run(): Promise<SimulationOutcome> {
    const onUnhandled = (error: unknown): void =>
      this.#fail(`unhandled rejection: ${String(error)}`);
    process.on('unhandledRejection', onUnhandled);
    try {
      this.#process.start();
      await this.#misbehave();
      await this.#heal();
    } catch (error) {
      if (error instanceof Violation) this.#violation ??= error.message;
      else this.#violation ??= `the simulation threw ${(error as Error).stack}`;
    } finally {
      process.off('unhandledRejection', onUnhandled);
    }
    return {
      seed: this.#seed,
      violation: this.#violation,
      plan: this.#plan,
      trace: this.#trace,
      hash: this.#hash.digest('hex'),
      figures: this.#figures,
    };
  }

  /** Clients and faults, until all operations are sent. */
  async #misbehave(): Promise<void> {
    while (this.#figures.operations < this.#plan.operations) {
      this.#perhapsFault();
      this.#choose()();
      await this.#settle();
    }
  }

  /** From here on nothing goes wrong any more; everything must be well, and soon. */
  async #heal(): Promise<void> {
    this.#note('the faults stop');
    this.#faults.stop();
    this.#isHealing = true;
    const hadHang = this.#process.liveThreads.some(({ isHung }) => isHung);
    const fromMs = this.#clock.monotonicMs();
    const withinMs = healMs + (hadHang ? hangMs : 0);
    const isWell = (): boolean => {
      const shards = this.#process.store?.status().shards;
      return shards?.every(({ state }) => state === 'serving') === true;
    };
    while (!isWell()) {
      this.#require(
        this.#clock.monotonicMs() - fromMs <= withinMs,
        `after ${withinMs} ms the store does not serve: ${this.#describeShards()}`,
      );
      await this.#goOn();
    }
    await this.#mustWriteAll(fromMs, withinMs);
    await this.#mustList(fromMs, withinMs);
    await this.#until('all clients are answered', () => this.#clients.every((c) => !c.isBusy));
    await this.#mustAgree();
    await this.#closeCleanly();
    await this.#restartAndAgree();
    this.#judgeHistory();
  }

  async #mustWriteAll(fromMs: number, withinMs: number): Promise<void> {
    const client = new RandomClient('last', this.#surroundings);
    for (const key of this.#plan.keys) {
      for (;;) {
        const { store } = this.#process;
        this.#require(store !== undefined, 'the process went away by itself');
        if (await this.#finish(client.put(store, key))) break;
        this.#require(
          this.#clock.monotonicMs() - fromMs <= withinMs,
          `after ${withinMs} ms ${key} can not be written: ${this.#describeShards()}`,
        );
        this.#advance(500);
      }
    }
  }

  /** A shard that no key belongs to may hang unnoticed until a page asks for it. */
  async #mustList(fromMs: number, withinMs: number): Promise<void> {
    for (;;) {
      const { store } = this.#process;
      this.#require(store !== undefined, 'the process went away by itself');
      if ((await this.#finish(readAll('last', store, this.#surroundings))) !== undefined) return;
      this.#require(
        this.#clock.monotonicMs() - fromMs <= withinMs,
        `after ${withinMs} ms no page is answered: ${this.#describeShards()}`,
      );
      this.#advance(500);
    }
  }

  /** A page, a count and single reads tell the same, and the history allows it. */
  async #mustAgree(): Promise<void> {
    const { store } = this.#process;
    this.#require(store !== undefined, 'the process went away by itself');
    const listed = await this.#finish(readAll('last', store, this.#surroundings));
    const counted = await this.#finish(store.count(defaultNamespace));
    // Deadlines may have passed in between.
    const again = await this.#finish(readAll('last', store, this.#surroundings));
    this.#require(listed !== undefined && again !== undefined, 'a page was refused');
    this.#require(
      counted <= listed && counted >= again,
      `${counted} entries were counted, ${listed} and then ${again} listed`,
    );
    this.#judgeHistory();
  }

  async #closeCleanly(): Promise<void> {
    const closing = this.#process.store?.close();
    this.#note('a clean close');
    await this.#finish(closing);
    this.#process.isDead = true;
    // A thread that was ended has its files closed by the system.
    const last = new Map(this.#process.threads.map((thread) => [thread.name, thread]));
    last.delete('compactor');
    for (const [name, { openFiles }] of last) {
      this.#require(openFiles === 0, `${name} has ${openFiles} files open after the close`);
    }
  }

  async #restartAndAgree(): Promise<void> {
    this.#process = this.#newProcess(pickFrom(this.#random, this.#plan.modes));
    this.#process.start();
    await this.#until('the store has started', () => this.#process.store !== undefined);
    await this.#mustAgree();
  }

  /** Lets everything that can go on without a fault go on until this is answered. */
  async #finish<T>(work: Promise<T> | undefined): Promise<T> {
    const answered = { isDone: false };
    const noteWhenDone = async (): Promise<void> => {
      await Promise.allSettled([work]);
      answered.isDone = true;
    };
    void noteWhenDone();
    await this.#until('an answer', () => answered.isDone);
    return (await work) as T;
  }

  async #until(what: string, isDone: () => boolean): Promise<void> {
    const fromMs = this.#clock.monotonicMs();
    while (!isDone()) {
      this.#require(this.#clock.monotonicMs() - fromMs < 60_000, `${what}: not within a minute`);
      await this.#goOn();
    }
  }

  /** A step without faults or clients. */
  async #goOn(): Promise<void> {
    const actions = this.#actions();
    if (actions.length === 0) this.#advance(tickMs);
    else pickFrom(this.#random, actions)();
    await this.#settle();
    this.#replaceProcess();
  }

  async #settle(): Promise<void> {
    // What is promised and can be kept is kept before anything else is chosen.
    await nextTurn();
    this.#figures.steps += 1;
    if (this.#violation !== undefined) throw new Violation(this.#violation);
    this.#require(this.#figures.steps < stepsMax, `it does not end: ${this.#describeShards()}`);
    if (this.#process.store !== undefined && !this.#process.isKnownToServe) this.#onServing();
    const failed = this.#process.store?.status().shards.find(({ state }) => state === 'failed');
    const isCrashLoop = this.#process.threadDeaths + this.#figures.threadHangs > 5;
    if (failed !== undefined && !this.#process.isDead && !isCrashLoop) {
      throw new Violation(`shard ${failed.shard} is given up: ${failed.reason}`);
    }
    if (failed !== undefined && this.#isHealing && isCrashLoop) this.#process.isDead = true;
    if (!this.#isHealing) this.#replaceProcess();
  }

  #onServing(): void {
    const process = this.#process;
    process.isKnownToServe = true;
    this.#mayLose = process.settings.fsync !== 'always';
    if (!this.#beginsAnew) return;
    this.#beginsAnew = false;
    const entries = new Map<string, LoggedEntry>();
    for (const items of this.#recovered.values()) {
      for (const item of items) entries.set(item.key, entryOf(item));
    }
    this.#history.beginAnew(entries);
  }

  #onResult(key: string, call: Call, result: Result): void {
    if (result.kind === 'entry') this.#noteVersion(key, result.version, textOf(result.value));
    if (result.kind === 'written' && call.op === 'put') {
      this.#noteVersion(key, result.version, call.value);
    }
  }

  #noteVersion(key: string, version: number, value: string): void {
    const shard = shardOfSlot(slotOfKey(key), this.#plan.settings.shards);
    const name = `${shard} ${version}`;
    const before = this.#valueOf.get(name) ?? value;
    this.#valueOf.set(name, value);
    if (before !== value) {
      this.#fail(`version ${version} of shard ${shard} was given to ${before} and to ${value}`);
    }
  }

  #judgeHistory(): void {
    const wrong = this.#history.check();
    if (wrong !== undefined) throw new Violation(wrong);
  }

  #describeShards(): string {
    const shards = this.#process.store?.status().shards;
    if (shards === undefined) return 'it is starting';
    return shards.map(({ shard, state, reason }) => `${shard} ${state} ${reason ?? ''}`).join('; ');
  }

  #choose(): () => void {
    const actions = this.#actions();
    const idle = this.#clients.filter((client) => !client.isBusy);
    const { store } = this.#process;
    const choice = this.#random();
    if (store !== undefined && !this.#isClosing && idle.length > 0 && choice < 0.2) {
      return () => this.#act(pickFrom(this.#random, idle));
    }
    if (actions.length === 0 || choice > 0.93) {
      const isLong = this.#random() < (actions.length === 0 ? 0.2 : 0.02);
      return () => this.#advance(1 + randomBelow(this.#random, isLong ? 1500 : 30));
    }
    return pickFrom(this.#random, actions);
  }

  /** What can happen next of what has been begun. */
  #actions(): (() => void)[] {
    const process = this.#process;
    const actions: (() => void)[] = [];
    if (process.hasDeferred) {
      const endTurn = (): void => {
        this.#note('turn');
        process.endTurn();
      };
      actions.push(endTurn, endTurn);
    }
    for (const thread of process.liveThreads) {
      if ((this.#slowUntil.get(thread) ?? 0) > this.#figures.steps && !this.#isHealing) continue;
      if (thread.canWork) actions.push(() => this.#note(`${thread.name} begins ${thread.work()}`));
      if (thread.canDeliver) {
        actions.push(() => this.#note(`${thread.name} has answered ${thread.deliver()}`));
      }
      if (thread.canFinishSync) {
        actions.push(() => {
          this.#note(`${thread.name} ends a sync`);
          thread.finishSync();
        });
      }
      if (thread.isEnding) {
        actions.push(() => {
          this.#note(`${thread.name} exits`);
          this.#faults.endsSoon(thread);
          thread.exit(this.#random() < 0.5);
        });
      }
    }
    return actions;
  }

  #act(client: RandomClient): void {
    const process = this.#process;
    const { store } = process;
    if (store === undefined) return;
    this.#figures.operations += 1;
    this.#note(`${client.name} acts`);
    client.act(store).catch((error: unknown) => {
      if (!process.isDead) this.#fail(`${client.name} was answered ${(error as Error).stack}`);
    });
  }

  #advance(ms: number): void {
    this.#note(`${ms} ms pass`);
    this.#clock.advance(ms);
    this.#process.tick();
  }

  #perhapsFault(): void {
    const { faults } = this.#plan;
    const happens = (rate: number): boolean => rate > 0 && this.#random() * 10_000 < rate;
    const threads = this.#process.liveThreads.filter((thread) => !thread.isEnding);
    if (happens(faults.kill)) this.#faults.killSoon(this.#process);
    if (happens(faults.powerCut)) this.#cutPower();
    if (happens(faults.threadDeath) && threads.length > 0) {
      const thread = pickFrom(this.#random, threads);
      if (this.#random() < 0.7) this.#faults.threadDiesSoon(this.#process, thread);
      else this.#dieNow(thread);
    }
    if (happens(faults.threadHang)) this.#hang(threads);
    if (happens(faults.ioError)) {
      this.#figures.ioErrors += 1;
      this.#faults.beginIoErrors();
    }
    if (happens(faults.fullDisk)) {
      this.#figures.fullDisks += 1;
      this.#faults.fillDisk();
    }
    if (happens(faults.fullDisk)) this.#faults.emptyDisk();
    if (happens(faults.ioError)) this.#faults.endIoErrors();
    if (happens(faults.close)) this.#close();
    if (happens(faults.clockJump) && this.#process.store !== undefined) {
      const ms = randomBelow(this.#random, 6000) - 3000;
      this.#note(`wall time jumps by ${ms} ms`);
      this.#clock.jump(ms);
    }
    if (this.#random() < 0.01 && threads.length > 0) {
      this.#slowUntil.set(
        pickFrom(this.#random, threads),
        this.#figures.steps + randomBelow(this.#random, 60),
      );
    }
  }

  #dieNow(thread: AnyThread): void {
    this.#note(`the thread of ${thread.name} dies between tasks`);
    this.#process.threadDeaths += 1;
    thread.die('it died');
  }

  #hang(threads: readonly AnyThread[]): void {
    if (threads.length === 0 || this.#isClosing || this.#process.store === undefined) return;
    const thread = pickFrom(this.#random, threads);
    this.#figures.threadHangs += 1;
    this.#note(`the thread of ${thread.name} hangs`);
    thread.isHung = true;
  }

  #cutPower(): void {
    this.#note('the power is cut');
    this.#figures.powerCuts += 1;
    this.#process.isDead = true;
    this.#disk.powerCut();
    if (!this.#mayLose) return;
    this.#judgeHistory();
    this.#lossy = new Set(this.#logs.keys());
    this.#beginsAnew = true;
  }

  #close(): void {
    const process = this.#process;
    const isHung = process.liveThreads.some((thread) => thread.isHung);
    if (process.store === undefined || this.#isClosing || isHung) return;
    this.#note('a close');
    this.#figures.closes += 1;
    this.#isClosing = true;
    void this.#awaitClose(process, process.store.close());
  }

  async #awaitClose(process: SimulatedProcess, closing: Promise<void>): Promise<void> {
    try {
      await closing;
      if (!process.isDead) this.#mayLose = false;
    } catch (error) {
      if (!process.isDead && process.threadDeaths === 0 && !process.hadErrors) {
        this.#fail(`a close failed: ${String(error)}`);
      }
    }
    process.isDead = true;
  }

  /** Where the process is gone, the next one is started on what is left. */
  #replaceProcess(): void {
    const old = this.#process;
    const { refusal } = old;
    if (refusal !== undefined && !old.isDead) this.#judgeRefusal(refusal);
    if (!old.isDead && refusal === undefined) return;
    old.isDead = true;
    this.#figures.kills += 1;
    this.#figures.threadDeaths += old.threadDeaths;
    this.#faults.forget();
    this.#history.processDied();
    for (const client of this.#clients) client.isBusy = false;
    this.#isClosing = false;
    if (!this.#isHealing && this.#plan.faults.powerCut > 0 && this.#random() < 0.3) {
      this.#cutPower();
    }
    this.#clock.advance(randomBelow(this.#random, 100));
    this.#clock.catchUp();
    this.#process = this.#newProcess(pickFrom(this.#random, this.#plan.modes));
    this.#process.start();
  }

  #judgeRefusal(refusal: unknown): void {
    if (refusal instanceof Gone) return;
    const code = refusal instanceof StoreError ? refusal.code : systemErrorCode(refusal);
    const isLawful =
      code === 'STORE_INACCESSIBLE' || code === 'DISK_FULL' || code === 'EIO' || code === 'ENOSPC';
    this.#note(`the store did not start: ${String(refusal)}`);
    const { threadDeaths, hadErrors } = this.#process;
    if (threadDeaths > 0 || (isLawful && hadErrors)) return;
    throw new Violation(`the store does not start: ${(refusal as Error).stack}`);
  }

  #newProcess(fsync: SimulationPlan['settings']['fsync']): SimulatedProcess {
    this.#figures.starts += 1;
    this.#note(`a process starts, fsync ${fsync}`);
    const process: SimulatedProcess = new SimulatedProcess(
      { ...this.#plan.settings, fsync },
      {
        disk: this.#disk,
        clock: this.#clock,
        before: (owner, thread, ...call) => this.#faults.before(owner, thread, call),
        onTaskDone: (shard, name, task, answer, handlers) => {
          if (process.isDead) return;
          this.#onTaskDone(process, shard, name, task, answer, handlers);
        },
        onTaskLost: (shard, name, task) => {
          if (name === 'batch') this.#logs[shard]?.noteLostBatch(task as Uint8Array);
        },
        log: (line) => this.#note(line),
      },
    );
    return process;
  }

  #onTaskDone(
    process: SimulatedProcess,
    shard: number,
    name: string,
    task: unknown,
    answer: unknown,
    handlers: Handlers<ShardTasks>,
  ): void {
    const log = this.#logs[shard];
    if (log === undefined) return;
    if (name === 'batch') log.noteBatch(task as Uint8Array, answer as Uint8Array);
    if (name === 'start' && (answer as TaskAnswer<ShardReport>).ok) {
      this.#onRecovered(process, shard, answer as TaskAnswer<ShardReport> & { ok: true }, handlers);
    }
  }

  #onRecovered(
    process: SimulatedProcess,
    shard: number,
    { value: { nextSeq } }: { value: ShardReport },
    handlers: Handlers<ShardTasks>,
  ): void {
    this.#faults.isPaused = true;
    const items = itemsOf(handlers);
    this.#faults.isPaused = false;
    const isLossy = this.#lossy.has(shard);
    const misfit = this.#logs[shard]?.begin(items, nextSeq, isLossy, this.#clock.seenMs);
    if (misfit !== undefined) this.#fail(`shard ${shard} is recovered wrong: ${misfit}`);
    for (const item of items) this.#noteVersion(item.key, item.version, textOf(item.value));
    this.#recovered.set(shard, items);
    this.#lossy.delete(shard);
    if (process.settings.fsync !== 'always') this.#mayLose = true;
  }

  #fail(violation: string): void {
    this.#note(`VIOLATION ${violation}`);
    this.#violation ??= violation;
  }

  #require(condition: boolean, otherwise: string): asserts condition {
    if (!condition) throw new Violation(otherwise);
  }

  #note(line: string): void {
    this.#hash.update(line);
    this.#trace.push(line);
    if (this.#trace.length > 2 * traceKept) this.#trace.splice(0, traceKept);
  }
}

/** All that a shard holds, expired or not. */
function itemsOf(handlers: Handlers<ShardTasks>): readonly PageItem<Uint8Array>[] {
  const query = {
    namespace: defaultNamespace,
    prefix: '',
    start: undefined,
    end: undefined,
    after: undefined,
    limit: 1000,
    reverse: false,
    includeValues: true,
  };
  const frame = encodeBatch({ stamp: 0, operations: [{ op: 'list', query }] });
  const [page] = decodeReply(handlers.batch(frame) as Uint8Array).results;
  if (page?.kind !== 'page') throw new Error('a shard that has started does not list');
  return page.items;
}
