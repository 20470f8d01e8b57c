// Locks in runs of the scenario `shares`: their namespace, their users, and what must hold at the start and
// at the end of each process. Chooses by random numbers of its own.
import { defaultNamespace } from '../../../src/base/default-namespace.ts';
import type { CommandStore } from '../../../src/store/store.ts';
import { pickFrom, randomBelow, type Random } from '../../support/random.ts';
import type { TakenBackup } from '../backup-client.ts';
import { secondNamespace } from '../entry-names.ts';
import type { HealPhase } from '../heal-phase.ts';
import { demand, type RunRecord } from '../run-record.ts';
import type { SimulatedClock } from '../simulated-clock.ts';
import type { SimulatedProcess } from '../simulated-process.ts';
import { LockClient } from './lock-client.ts';
import { LockJudge } from './lock-judge.ts';
import { misfitOfRestoredLocks } from './restored-locks.ts';
import { ServedLocks } from './served-locks.ts';

export interface LockScenarioOptions {
  readonly random: Random;
  readonly record: RunRecord;
  readonly clock: SimulatedClock;
}

const ttlMsOfUse = 4000;
/** So long that the lock is held when the run ends. */
const ttlMsAtEnd = 3_600_000;

export class LockScenario {
  readonly namespace: string;
  readonly names: readonly string[];
  readonly clients: readonly LockClient[];
  readonly judge: LockJudge;
  readonly #last: LockClient;
  readonly #other: LockClient;
  #served: ServedLocks | undefined;
  #isHealing = false;

  constructor({ random, record, clock }: LockScenarioOptions) {
    this.namespace = pickFrom(random, [defaultNamespace, secondNamespace]);
    this.names = ['l0', 'l1'].slice(0, 1 + randomBelow(random, 2));
    this.judge = new LockJudge(record, clock);
    const { namespace, names, judge } = this;
    const servedBy = this.#servedBy.bind(this);
    const client = (name: string): LockClient =>
      new LockClient(name, { random, judge, namespace, names, servedBy });
    this.clients = Array.from({ length: 2 + randomBelow(random, 3) }, (_, index) =>
      client(`u${index}`),
    );
    this.#last = client('last');
    this.#other = client('other');
  }

  /** Called with each store, before any client uses it: locks that were held still are. */
  async begin(process: SimulatedProcess, store: CommandStore): Promise<void> {
    const served = this.#servedBy(process, store);
    for (const name of this.names) {
      this.judge.figures.locksHeldAtStart += this.judge.heldNow(name).length;
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await this.#last.look(served, name);
    }
  }

  noteProcessEnded(): void {
    this.judge.noteProcessEnded();
    this.#served?.end();
    this.#served = undefined;
  }

  /** The faults have stopped. From now on no request gives up: each one that waits gets its lock, or an error. */
  beginHealing(): void {
    this.#isHealing = true;
    if (this.#served !== undefined) this.#served.isPatient = true;
  }

  /** No other client asks any more: each lock can be taken, renewed and released. The first one stays held. */
  async heal(process: SimulatedProcess, store: CommandStore, phase: HealPhase): Promise<void> {
    const served = this.#servedBy(process, store);
    for (const [index, name] of this.names.entries()) {
      const isKept = index === 0;
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await phase.mustSucceed(`the lock ${name} is not taken, renewed and released`, () =>
        this.#use(served, name, isKept),
      );
    }
  }

  /**
   * Judges the locks of a store that was restored from a backup. The original gives one more fence first.
   *
   * @param now the wall time of the restore
   * @returns false if the original gave none
   */
  async judgeRestored(
    process: SimulatedProcess,
    store: CommandStore,
    backup: TakenBackup,
    now: number,
  ): Promise<boolean> {
    if (!(await this.#use(this.#servedBy(process, store), 'spare', false))) return false;
    const { namespace, judge, names } = this;
    const held = names.flatMap((name) => judge.heldNow(name));
    const { highestFence } = judge;
    const misfit = await misfitOfRestoredLocks({ backup, namespace, held, highestFence, now });
    demand(misfit === undefined, misfit ?? '');
    judge.figures.fencesAfterRestore += 1;
    return true;
  }

  async #use(served: ServedLocks, name: string, isKept: boolean): Promise<boolean> {
    const claim = await this.#last.take(served, name, { ttlMs: ttlMsOfUse, waitMs: Infinity });
    if (claim === undefined) return false;
    const foreign = { ...claim, userId: this.#other.name };
    demand(!(await this.#other.renew(served, foreign, 1)), 'another user has renewed a lock');
    demand(!(await this.#other.release(served, foreign)), 'another user has released a lock');
    const ttlMs = isKept ? ttlMsAtEnd : ttlMsOfUse;
    if (!(await this.#last.renew(served, claim, ttlMs))) return false;
    if (!(await this.#last.look(served, name))) return false;
    return isKept || (await this.#last.release(served, claim));
  }

  #servedBy(process: SimulatedProcess, store: CommandStore): ServedLocks {
    if (this.#served?.isOf(process) !== true) {
      this.#served = new ServedLocks(process, store);
      this.#served.isPatient = this.#isHealing;
    }
    return this.#served;
  }
}
