// One whole run from a seed: clients, faults, restarts. Then the faults stop, and everything must work.
import { pickFrom, randomBelow } from '../support/random.ts';
import { FaultChoice } from './fault-choice.ts';
import { HealPhase } from './heal-phase.ts';
import { ProcessLives } from './process-lives.ts';
import type { AccessFigures } from './access/access-scenario.ts';
import { AccessHealPhase } from './access/access-heal-phase.ts';
import type { LockFigures } from './shares/lock-judge.ts';
import type { SharesFigures } from './shares/shares-scenario.ts';
import type { SimulationFigures } from './run-record.ts';
import { Scheduler, type Action } from './scheduler.ts';
import {
  partsFrom,
  type Scenario,
  type SimulationClient,
  type SimulationParts,
} from './simulation-parts.ts';
import type { SimulationPlan } from './simulation-plan.ts';

export interface SimulationOutcome {
  readonly seed: number;
  /** The first violation; undefined if there was none. */
  readonly violation: string | undefined;
  readonly plan: SimulationPlan;
  /** The last lines of the trace. */
  readonly trace: readonly string[];
  /** The hash of the whole trace: equal for two runs of one seed. */
  readonly hash: string;
  /** Those of access only in the scenario `access`, and those of shares and locks only in `shares`. */
  readonly figures: SimulationFigures & Partial<AccessFigures & SharesFigures & LockFigures>;
}

export async function simulate(
  seed: number,
  scenario: Scenario = 'engine',
): Promise<SimulationOutcome> {
  const parts = partsFrom(seed, scenario);
  await new Simulation(parts).run();
  const { plan, record } = parts;
  const { violation, trace } = record;
  const { access, shares } = parts;
  const ofShares = { ...shares?.figures, ...shares?.locks?.judge.figures };
  const figures = { ...record.figures, ...access?.figures, ...ofShares };
  return { seed, violation, plan, trace, hash: record.hash(), figures };
}

/** Like a slow reader that takes no piece for a long time. */
const slowBackupStepsMax = 600;
/** So the cut of one shard may come long after that of another. */
const slowShardStepsMax = 100;

class Simulation {
  readonly #parts: SimulationParts;
  readonly #lives: ProcessLives;
  readonly #scheduler: Scheduler;
  readonly #faultChoice: FaultChoice;

  constructor(parts: SimulationParts) {
    this.#parts = parts;
    this.#lives = new ProcessLives(parts);
    this.#scheduler = new Scheduler(parts, this.#lives);
    this.#faultChoice = new FaultChoice(parts, this.#lives, this.#scheduler);
  }

  async run(): Promise<void> {
    const { record } = this.#parts;
    const onUnhandled = (error: unknown): void =>
      record.fail(`unhandled rejection: ${String(error)}`);
    process.on('unhandledRejection', onUnhandled);
    try {
      this.#lives.current.start();
      await this.#misbehave();
      await this.#heal();
    } catch (error) {
      record.endedWith(error);
    } finally {
      process.off('unhandledRejection', onUnhandled);
    }
  }

  async #heal(): Promise<void> {
    const { access } = this.#parts;
    const phase = new HealPhase(this.#parts, this.#lives, this.#scheduler);
    if (access === undefined) await phase.run();
    else await new AccessHealPhase(access, phase, this.#parts, this.#lives, this.#scheduler).run();
  }

  /** Clients and faults, until all operations are sent. */
  async #misbehave(): Promise<void> {
    const { record, plan } = this.#parts;
    while (record.figures.operations < plan.operations) {
      this.#faultChoice.perhaps();
      this.#perhapsBackUp();
      this.#choose()();
      await this.#scheduler.settle();
    }
  }

  #perhapsBackUp(): void {
    const { random, plan, record, backupClient } = this.#parts;
    const { current, isClosing } = this.#lives;
    if (current.store === undefined || isClosing || backupClient.isBusy) return;
    if (random() * 10_000 >= plan.backups) return;
    record.note('a backup is asked for');
    if (random() < 0.5) this.#scheduler.slowDown('backup', slowBackupStepsMax);
    const shard = randomBelow(random, plan.settings.shards);
    if (random() < 0.25) this.#scheduler.slowDown(`shard ${shard}`, slowShardStepsMax);
    void backupClient.take(current);
  }

  #choose(): Action {
    const { random, clients } = this.#parts;
    const actions = this.#scheduler.actions();
    const idle = clients.filter((client) => !client.isBusy);
    const { store } = this.#lives.current;
    const choice = random();
    if (store !== undefined && !this.#lives.isClosing && idle.length > 0 && choice < 0.2) {
      return () => this.#act(pickFrom(random, idle));
    }
    if (actions.length === 0 || choice > 0.93) {
      const isLong = random() < (actions.length === 0 ? 0.2 : 0.02);
      return () => this.#scheduler.advance(1 + randomBelow(random, isLong ? 1500 : 30));
    }
    return pickFrom(random, actions);
  }

  #act(client: SimulationClient): void {
    const { record } = this.#parts;
    const process = this.#lives.current;
    const { store } = process;
    if (store === undefined) return;
    record.figures.operations += 1;
    record.note(`${client.name} acts`);
    client.act(store, process).catch((error: unknown) => {
      if (!process.isDead) record.fail(`${client.name} was answered ${(error as Error).stack}`);
    });
  }
}
