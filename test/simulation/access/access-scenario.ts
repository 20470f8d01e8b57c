// The parts of a simulation of access: administrators, callers, their judge, and the registries that
// each process loads from its store.
import { openAccess, type Access } from '../../../src/access/access.ts';
import { hashOfToken, type NewToken } from '../../../src/access/token.ts';
import type { CommandStore } from '../../../src/store/store.ts';
import type { Random } from '../../support/random.ts';
import type { ClientHistory } from '../client-history.ts';
import { defaultNamespace } from '../../../src/base/default-namespace.ts';
import type { FaultInjector } from '../fault-injector.ts';
import type { RecoveryJudge } from '../recovery-judge.ts';
import type { RunRecord } from '../run-record.ts';
import type { SimulatedClock } from '../simulated-clock.ts';
import type { SimulatedProcess } from '../simulated-process.ts';
import type { SimulationPlan } from '../simulation-plan.ts';
import { AccessFacts } from './access-facts.ts';
import { AccessJudge, type ChangeFigures } from './access-judge.ts';
import { accessPlanFrom, serverToken, type AccessPlan } from './access-plan.ts';
import { AdministratorClient } from './administrator-client.ts';
import type { CallFigures } from './call-judge.ts';
import { CallerClient, namesUsedIn } from './caller-client.ts';

export type AccessFigures = ChangeFigures & CallFigures;

export interface ScenarioOptions {
  readonly random: Random;
  readonly plan: SimulationPlan;
  readonly record: RunRecord;
  readonly clock: SimulatedClock;
  readonly faults: FaultInjector;
  readonly history: ClientHistory;
  readonly judge: RecoveryJudge;
}

export class AccessScenario {
  readonly plan: AccessPlan;
  readonly judge: AccessJudge;
  readonly clients: readonly (AdministratorClient | CallerClient)[];
  /** The names of all entries that clients use. */
  readonly names: readonly string[];
  /** They make sure at the end that everything works. */
  readonly lastAdministrator: AdministratorClient;
  readonly lastCaller: CallerClient;
  readonly #options: ScenarioOptions;
  #ids = 0;

  constructor(options: ScenarioOptions) {
    const { random, plan, record, faults, history, judge } = options;
    this.#options = options;
    this.plan = accessPlanFrom(random);
    const { users, namespaces, administrators, callers } = this.plan;
    this.judge = new AccessJudge(new AccessFacts(users, namespaces), record, faults);
    const shared = { random, plan: this.plan, judge: this.judge, history };
    const administrator = (name: string): AdministratorClient =>
      new AdministratorClient(name, shared);
    const onResult: RecoveryJudge['noteResult'] = (...told) => judge.noteResult(...told);
    const { valueBytes } = plan;
    const caller = (name: string): CallerClient =>
      new CallerClient(name, { ...shared, valueBytes, onResult });
    this.clients = [
      ...Array.from({ length: administrators }, (_, index) => administrator(`a${index}`)),
      ...Array.from({ length: callers }, (_, index) => caller(`c${index}`)),
    ];
    this.names = [defaultNamespace, ...namespaces].flatMap((name) => namesUsedIn(name));
    this.lastAdministrator = administrator('last');
    this.lastCaller = caller('last');
  }

  get figures(): AccessFigures {
    return { ...this.judge.figures, ...this.judge.calls.figures };
  }

  /** Loads the registries, as the server does before it listens. */
  async open(store: CommandStore, process: SimulatedProcess): Promise<Access> {
    const { random, faults } = this.#options;
    this.judge.noteRecovered(process);
    const hasToken = faults.isStopped || random() < this.plan.serverTokens;
    const access = await openAccess({
      store,
      nowMs: () => store.timestamp(),
      serverTokens: { tokens: hasToken ? [serverToken] : [] },
      namespacesMax: this.plan.namespacesMax,
      later: (ms, work) => process.later(ms, work),
      newIds: { ofUser: () => `user-${this.#ids++}`, token: () => this.#newToken() },
    });
    if (!process.isDead) this.judge.noteOpened(process, store, access);
    return access;
  }

  /** Ids in order, so that a seed runs the same way each time. */
  #newToken(): NewToken {
    const id = String(this.#ids++).padStart(12, '0');
    const secret = hashOfToken(id);
    const text = `hf_${id}_${Buffer.from(secret, 'latin1').toString('base64url')}`;
    return { id, text };
  }
}
