// The end of a run with access, without faults. Administrators and callers must get their work done
// in time. Memory, records and answers must agree exactly, and again after a clean restart.
import type { CommandStore } from '../../../src/store/store.ts';
import { namespaceDefaults } from '../../../src/access/namespace-settings.ts';
import type { Access } from '../../../src/access/access.ts';
import type { HealPhase } from '../heal-phase.ts';
import type { ProcessLives } from '../process-lives.ts';
import { orRefused } from '../read-page.ts';
import { demand } from '../run-record.ts';
import type { Scheduler } from '../scheduler.ts';
import type { SimulatedProcess } from '../simulated-process.ts';
import type { SimulationParts } from '../simulation-parts.ts';
import type { AccessScenario } from './access-scenario.ts';

const againAfterMs = 500;
const attemptsMax = 60;

interface Serving {
  readonly process: SimulatedProcess;
  readonly store: CommandStore;
  readonly access: Access;
}

export class AccessHealPhase {
  readonly #scenario: AccessScenario;
  readonly #phase: HealPhase;
  readonly #parts: SimulationParts;
  readonly #lives: ProcessLives;
  readonly #scheduler: Scheduler;

  constructor(
    scenario: AccessScenario,
    phase: HealPhase,
    parts: SimulationParts,
    lives: ProcessLives,
    scheduler: Scheduler,
  ) {
    this.#scenario = scenario;
    this.#phase = phase;
    this.#parts = parts;
    this.#lives = lives;
    this.#scheduler = scheduler;
  }

  async run(): Promise<void> {
    const { plan } = this.#scenario;
    await this.#phase.begin();
    await this.#mustMeasure();
    await this.#mustAdminister();
    await this.#phase.mustAnswerAll();
    // A namespace that finds no room may stay in doubt until the restart.
    if (plan.namespaces.length < plan.namespacesMax) await this.#mustSettle();
    // Only from here on the server surely has a token.
    await this.#phase.closeCleanly();
    await this.#phase.restart();
    await this.#mustSettle();
    await this.#mustWrite();
    await this.#phase.mustBackUp();
    await this.#phase.closeCleanly();
    await this.#phase.restart();
    await this.#mustSettle();
    this.#parts.judge.judgeHistory();
  }

  get #serving(): Serving {
    const process = this.#lives.current;
    const { store, access } = process;
    demand(store !== undefined && access !== undefined, 'the process went away by itself');
    return { process, store, access };
  }

  async #mustAdminister(): Promise<void> {
    await this.#mustSucceed('users and namespaces cannot be put', () => this.#administer());
  }

  /** @returns whether all changes were made */
  async #administer(): Promise<boolean> {
    const { plan, lastAdministrator } = this.#scenario;
    const { process, access } = this.#serving;
    for (const user of plan.users) {
      if (!(await lastAdministrator.putUser(process, access, user, false))) return false;
    }
    for (const name of plan.namespaces.filter((each) => !this.#isFull(access, each))) {
      const put = lastAdministrator.putNamespace(process, access, name, namespaceDefaults);
      if (!(await put)) return false;
    }
    return true;
  }

  /** Repeats the attempt until it succeeds. All threads go on in between. */
  async #mustSucceed(otherwise: string, attempt: () => Promise<boolean>): Promise<void> {
    await this.#phase.mustSucceed(otherwise, async () => {
      const { process } = this.#serving;
      const isDone = await attempt();
      if (!isDone) await new Promise<void>((resolve) => process.later(againAfterMs, resolve));
      return isDone;
    });
  }

  /** Without a question to all shards, a hung one to which no record belongs would go unnoticed. */
  async #mustMeasure(): Promise<void> {
    await this.#mustSucceed('no measure is answered', async () => {
      return (await orRefused(this.#serving.store.measure())) !== undefined;
    });
  }

  async #mustWrite(): Promise<void> {
    const { names, plan, lastCaller } = this.#scenario;
    for (const name of names) {
      await this.#mustSucceed(`${name} cannot be written`, () => {
        const { process, store, access } = this.#serving;
        const [namespace = ''] = name.split('/');
        if (plan.namespaces.includes(namespace) && this.#isFull(access, namespace)) {
          return Promise.resolve(true);
        }
        return lastCaller.put(store, process, name);
      });
    }
  }

  #isFull({ namespaces }: Access, name: string): boolean {
    return (
      namespaces.state(name) === 'absent' && namespaces.count >= this.#scenario.plan.namespacesMax
    );
  }

  /**
   * No change is on its way or in doubt, and the records are what they must be. A doubt about a
   * namespace is over once an administrator has changed it.
   */
  async #mustSettle(): Promise<void> {
    const { judge } = this.#scenario;
    const again = async (): Promise<void> => {
      const { process } = this.#serving;
      await this.#administer();
      await new Promise<void>((resolve) => process.later(againAfterMs, resolve));
    };
    for (let attempt = 0; !judge.isSettled; attempt++) {
      demand(attempt < attemptsMax, 'changes of access stay in doubt');
      await this.#scheduler.finish(again());
    }
  }
}
