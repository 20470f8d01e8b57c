// One process after another on one disk. Begins and ends each, and judges both. Others choose the
// time of the end.
import { StoreError, systemErrorCode } from '../../src/base/errors.ts';
import type { FsyncMode } from '../../src/base/fsync-mode.ts';
import { pickFrom, randomBelow } from '../support/random.ts';
import { ReshardLife } from './reshard-life.ts';
import { Violation } from './run-record.ts';
import { Gone, SimulatedProcess } from './simulated-process.ts';
import type { SimulationParts } from './simulation-parts.ts';

const setBackMsMax = 6000;

export class ProcessLives {
  readonly #parts: SimulationParts;
  readonly #reshards: ReshardLife;
  #current: SimulatedProcess;
  #transactions = 0;

  constructor(parts: SimulationParts) {
    this.#parts = parts;
    this.#reshards = new ReshardLife(parts);
    this.#current = this.#newProcess(parts.plan.settings.fsync);
  }

  get current(): SimulatedProcess {
    return this.#current;
  }

  get isClosing(): boolean {
    return this.#current.isClosing;
  }

  /** Starts the next process, in one of the modes of the plan. */
  startNext(): void {
    const { random, plan, access, shares } = this.#parts;
    access?.judge.noteProcessEnded();
    shares?.locks?.noteProcessEnded();
    this.#current = this.#newProcess(pickFrom(random, plan.modes));
    this.#current.start();
  }

  cutPower(): void {
    const { record, disk, judge, access, shares } = this.#parts;
    record.note('the power is cut');
    record.figures.powerCuts += 1;
    this.#current.isDead = true;
    access?.judge.notePowerCut(judge.mayLose);
    shares?.notePowerCut(judge.mayLose);
    disk.powerCut();
    judge.notePowerCut();
  }

  close(): void {
    const { record } = this.#parts;
    const process = this.#current;
    const isHung = process.liveThreads.some((thread) => thread.isHung);
    if (process.store === undefined || process.isClosing || isHung) return;
    record.note('a close');
    record.figures.closes += 1;
    process.isClosing = true;
    void this.#awaitClose(process, process.close());
  }

  /** If the process is gone, starts the next one on the same disk. */
  replaceIfGone(): void {
    const { random, plan, record, clock, faults, history, ledger } = this.#parts;
    const { clients, backupClient } = this.#parts;
    const old = this.#current;
    const { refusal } = old;
    if (refusal !== undefined && !old.isDead) this.#judgeRefusal(refusal);
    if (!old.isDead && refusal === undefined) return;
    old.isDead = true;
    record.figures.kills += 1;
    record.figures.threadDeaths += old.threadDeaths;
    faults.forget();
    history.processDied();
    ledger.processEnded();
    for (const client of clients) client.isBusy = false;
    backupClient.isBusy = false;
    if (!faults.isStopped && plan.faults.powerCut > 0 && random() < 0.3) this.cutPower();
    clock.advance(randomBelow(random, 100));
    if (!faults.isStopped && plan.faults.clockJump > 0 && random() < 0.3) this.#setClockBack();
    else clock.catchUp();
    if (!faults.isStopped && random() < plan.reshards) this.reshard();
    this.startNext();
  }

  /** Reshards while no process runs. A kill or a power cut may interrupt it. */
  reshard(): void {
    const { random, plan, faults } = this.#parts;
    this.#reshards.reshard(this.#processOn(plan.settings.fsync));
    if (!faults.isStopped && plan.faults.powerCut > 0 && random() < 0.3) this.cutPower();
  }

  describeShards(): string {
    const shards = this.#current.store?.status().shards;
    if (shards === undefined) return 'it is starting';
    return shards.map(({ shard, state, reason }) => `${shard} ${state} ${reason ?? ''}`).join('; ');
  }

  #setClockBack(): void {
    const { random, record, clock, judge, shares } = this.#parts;
    const ms = randomBelow(random, setBackMsMax);
    record.note(`the clock is set back by ${ms} ms between two processes`);
    shares?.locks?.judge.noteClockSetBack();
    clock.setBack(ms);
    judge.noteClockSetBack();
  }

  async #awaitClose(process: SimulatedProcess, closing: Promise<void>): Promise<void> {
    const { judge, record } = this.#parts;
    try {
      await closing;
      if (!process.isDead) judge.noteCleanClose();
    } catch (error) {
      if (!process.isDead && process.threadDeaths === 0 && !process.hadErrors) {
        record.fail(`a close failed: ${String(error)}`);
      }
    }
    process.isDead = true;
  }

  #judgeRefusal(refusal: unknown): void {
    if (refusal instanceof Gone) return;
    const code = refusal instanceof StoreError ? refusal.code : systemErrorCode(refusal);
    const isAllowed =
      code === 'STORE_INACCESSIBLE' ||
      code === 'DISK_FULL' ||
      code === 'EIO' ||
      code === 'ENOSPC' ||
      // A shard may wait for its disk while the registries are loaded.
      code === 'SHARD_UNAVAILABLE';
    this.#parts.record.note(`the store did not start: ${String(refusal)}`);
    const { threadDeaths, hadErrors } = this.#current;
    if (threadDeaths > 0 || (isAllowed && hadErrors)) return;
    throw new Violation(`the store does not start: ${(refusal as Error).stack}`);
  }

  #newProcess(fsync: FsyncMode): SimulatedProcess {
    const { record } = this.#parts;
    record.figures.starts += 1;
    record.note(`a process starts, fsync ${fsync}`);
    return this.#processOn(fsync);
  }

  #processOn(fsync: FsyncMode): SimulatedProcess {
    const { plan, record, disk, clock, faults, judge, backupJudge, access, shares } = this.#parts;
    const process: SimulatedProcess = new SimulatedProcess(
      { ...plan.settings, fsync, shortQueueMax: shares?.shortQueueMax },
      {
        disk,
        clock,
        before: (owner, thread, ...call) => faults.before(owner, thread, call),
        onTaskDone: (...done) => {
          if (!process.isDead) judge.noteTask(process, ...done);
        },
        onTaskLost: (...lost) => judge.noteLostTask(...lost),
        onBackupBegun: (task) => backupJudge.noteBegun(task),
        onOpened: () => this.#reshards.noteOpened(),
        prepare: shares && ((store) => shares.begin(process, store)),
        openAccess: access && ((store) => access.open(store, process)),
        log: (line) => record.note(line),
        newTransactionId: () => `t${this.#transactions++}`,
      },
    );
    return process;
  }
}
