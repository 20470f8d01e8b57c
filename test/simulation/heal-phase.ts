// The end of a run, without faults. Within the promised time the store must serve, take writes and
// transactions, and list. Its answers must agree. After a clean close and a restart it must agree
// again.
import { defaultNamespace } from '../../src/base/default-namespace.ts';
import { isInternalNamespace } from '../../src/base/namespace-name.ts';
import { rangeOfPrefix } from '../../src/store/listing.ts';
import type { CommandStore } from '../../src/store/store.ts';
import { randomBelow } from '../support/random.ts';
import { entryOfName, namespacesUsed, purseNamespace } from './entry-names.ts';
import type { ProcessLives } from './process-lives.ts';
import { purseName } from './purse.ts';
import { RandomClient } from './random-client.ts';
import { namesIn, readAll, readPage } from './read-page.ts';
import { misfitOfRestored } from './restore-backup.ts';
import { demand } from './run-record.ts';
import { tickMs, type Scheduler } from './scheduler.ts';
import type { SimulationParts } from './simulation-parts.ts';

/** Promised: a shard serves again within this time after its disk works and has room. */
const healMs = 10_000;
/** The router ends a hung thread within 15 s. */
const hangMs = 16_000;
/** A hung compaction is ended after a minute or more. Puts on a full disk may wait for it. */
const compactorHangMs = 63_000;

const againAfterMs = 500;

interface Look {
  readonly keys: number;
  readonly bytes: number;
}

export class HealPhase {
  readonly #parts: SimulationParts;
  readonly #lives: ProcessLives;
  readonly #scheduler: Scheduler;
  #fromMs = 0;
  #withinMs = healMs;

  constructor(parts: SimulationParts, lives: ProcessLives, scheduler: Scheduler) {
    this.#parts = parts;
    this.#lives = lives;
    this.#scheduler = scheduler;
  }

  async run(): Promise<void> {
    const { judge, shares } = this.#parts;
    await this.begin();
    if (shares !== undefined) {
      shares.locks?.beginHealing();
      await this.mustAnswerAll();
      await shares.heal(this.#store, this.#scheduler, this);
      await shares.locks?.heal(this.#lives.current, this.#store, this);
    }
    await this.#mustHaveSeenAll();
    await this.#mustWriteAll();
    await this.#mustTransact();
    await this.#mustList();
    await this.mustAnswerAll();
    await this.#mustAgree();
    await this.mustBackUp();
    await this.closeCleanly();
    await this.restart();
    await this.#mustAgree();
    judge.judgeHistory();
  }

  /** Stops the faults. The store must then serve. */
  async begin(): Promise<void> {
    const { record, faults, clock } = this.#parts;
    record.note('the faults stop');
    faults.stop();
    const hung = this.#lives.current.liveThreads.filter(({ isHung }) => isHung);
    const isCompactorHung = hung.some(({ name }) => name === 'compactor');
    this.#fromMs = clock.monotonicMs();
    this.#withinMs = healMs + (isCompactorHung ? compactorHangMs : hung.length > 0 ? hangMs : 0);
    await this.#mustServe();
  }

  async mustAnswerAll(): Promise<void> {
    const { clients, backupClient } = this.#parts;
    await this.#scheduler.until('all clients are answered', () =>
      [...clients, backupClient].every(({ isBusy }) => !isBusy),
    );
  }

  get #store(): CommandStore {
    const { store } = this.#lives.current;
    demand(store !== undefined, 'the process went away by itself');
    return store;
  }

  async #mustServe(): Promise<void> {
    const isWell = (): boolean => {
      const shards = this.#lives.current.store?.status().shards;
      return shards?.every(({ state }) => state === 'serving') === true;
    };
    while (!isWell()) {
      this.#requireInTime('the store does not serve');
      await this.#scheduler.goOn();
    }
  }

  /** Before anything is written again: a later write would show watchers an earlier one that they missed. */
  async #mustHaveSeenAll(): Promise<void> {
    const { watchClient } = this.#parts;
    if (watchClient === undefined) return;
    await this.mustAnswerAll();
    await this.mustSucceed('a watcher has not seen the present state of its entry', async () => {
      if (!watchClient.isOf(this.#lives.current)) return true;
      return (await watchClient.nameBehind(this.#store)) === undefined;
    });
  }

  async #mustWriteAll(): Promise<void> {
    const { plan, clientOptions } = this.#parts;
    const client = new RandomClient('last', clientOptions);
    for (const key of plan.keys) {
      await this.mustSucceed(`${key} cannot be written`, () => client.put(this.#store, key));
    }
  }

  async #mustTransact(): Promise<void> {
    const client = new RandomClient('again', this.#parts.clientOptions);
    await this.mustSucceed('no transaction is committed', () => client.changeAll(this.#store));
  }

  /** Without a page, a hung shard to which no key belongs would go unnoticed. */
  async #mustList(): Promise<void> {
    await this.mustSucceed('no page is answered', async () => {
      const { clientOptions } = this.#parts;
      return (await readAll('last', this.#store, defaultNamespace, clientOptions)) !== undefined;
    });
  }

  /** No client writes any more, so a backup must have exactly the entries of the history. */
  async mustBackUp(): Promise<void> {
    const { random, clock, backupClient, judge, shares } = this.#parts;
    await this.mustSucceed('no backup is taken', async () => {
      const backup = await backupClient.take(this.#lives.current, true);
      if (backup === undefined) return false;
      const now = clock.presentMs;
      const misfit = misfitOfRestored(backup, 1 + randomBelow(random, 4), now);
      demand(misfit === undefined, misfit ?? '');
      if (shares?.locks === undefined) return true;
      return await shares.locks.judgeRestored(this.#lives.current, this.#store, backup, now);
    });
    judge.judgeHistory();
  }

  /** Repeats the attempt until it succeeds. */
  async mustSucceed(otherwise: string, attempt: () => Promise<boolean>): Promise<void> {
    while (!(await this.#scheduler.finish(attempt()))) {
      this.#requireInTime(otherwise);
      // In small steps: a process that was itself stopped for long does not give up its threads.
      for (let ms = 0; ms < againAfterMs; ms += tickMs) this.#scheduler.advance(tickMs);
    }
  }

  #requireInTime(otherwise: string): void {
    const { clock } = this.#parts;
    const withinMs = this.#withinMs;
    demand(
      clock.monotonicMs() - this.#fromMs <= withinMs,
      `after ${withinMs} ms ${otherwise}: ${this.#lives.describeShards()}`,
    );
  }

  /** Pages, counts, measures and single reads must agree with each other and with the history. */
  async #mustAgree(): Promise<void> {
    for (const namespace of namespacesUsed) await this.#mustAgreeOn(namespace);
    const figures = await this.#scheduler.finish(this.#store.measure());
    const named = figures.map(({ namespace }) => namespace);
    const found = named.filter((namespace) => !isInternalNamespace(namespace));
    const expected = namespacesUsed.filter((namespace) => found.includes(namespace));
    const isSorted = found.join(' ') === expected.join(' ');
    demand(isSorted, `the namespaces are said to be ${found.join(' ')}`);
    this.#parts.judge.judgeHistory();
  }

  async #mustAgreeOn(namespace: string): Promise<void> {
    const { clientOptions, plan } = this.#parts;
    const store = this.#store;
    const scheduler = this.#scheduler;
    const purses = Array.from({ length: plan.purses }, (_, index) => purseName(index));
    const names = namesIn(namespace, [...plan.keys, ...purses]);
    const list = async (): Promise<Look> => {
      const reading = readPage('last', store, namespace, names, clientOptions);
      const results = await scheduler.finish(reading);
      demand(results !== undefined, 'a page was refused');
      const entries = results.flatMap((result, index) =>
        result.kind === 'entry' ? [{ key: entryOfName(names[index] ?? '').key, ...result }] : [],
      );
      const bytes = entries.reduce((sum, { key, size }) => sum + key.length + size, 0);
      return { keys: entries.length, bytes };
    };
    const before = await list();
    const counted = await scheduler.finish(store.count(namespace));
    const half = rangeOfPrefix('k1');
    const others = [
      { low: '', high: half.low },
      { low: half.high, high: rangeOfPrefix('').high },
    ];
    const inHalf = await scheduler.finish(store.count(namespace, [half]));
    const inOthers = await scheduler.finish(store.count(namespace, others));
    const [measured] = await scheduler.finish(store.measure([namespace]));
    // Deadlines may have passed in between.
    const after = await list();
    const what = `${counted} entries of ${namespace} were counted, ${inHalf} and ${inOthers} in parts, ${JSON.stringify(measured)} measured, ${JSON.stringify(before)} and then ${JSON.stringify(after)} listed`;
    demand(counted <= before.keys && counted >= after.keys, what);
    demand(inHalf + inOthers <= counted && inHalf + inOthers >= after.keys, what);
    // An expired entry counts until the sweep removes it.
    demand(measured !== undefined && measured.keys >= after.keys, what);
    demand(measured.bytes >= after.bytes, what);
    const isMortal = namespace !== purseNamespace;
    demand(isMortal || (measured.keys === after.keys && measured.bytes === after.bytes), what);
  }

  async closeCleanly(): Promise<void> {
    const { record } = this.#parts;
    const process = this.#lives.current;
    const closing = process.close();
    record.note('a clean close');
    await this.#scheduler.finish(closing);
    this.#lives.current.isDead = true;
    // The system closes the files of a thread that was ended.
    const last = new Map(this.#lives.current.threads.map((thread) => [thread.name, thread]));
    for (const ended of ['compactor', 'backup']) last.delete(ended);
    for (const [name, { openFiles }] of last) {
      demand(openFiles === 0, `${name} has ${openFiles} files open after the close`);
    }
  }

  async restart(): Promise<void> {
    const { random, plan } = this.#parts;
    if (random() < plan.reshards) this.#lives.reshard();
    this.#lives.startNext();
    const hasStarted = (): boolean => this.#lives.current.store !== undefined;
    await this.#scheduler.until('the store has started', hasStarted);
  }
}
