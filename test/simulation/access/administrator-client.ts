// An administrator of the simulation. Makes and deletes users, tokens and namespaces, one change at
// a time, and tells the judge each outcome.
import type { Access } from '../../../src/access/access.ts';
import type { Grant, Role } from '../../../src/access/grant.ts';
import {
  audits,
  namespaceDefaults,
  type NamespaceSettings,
} from '../../../src/access/namespace-settings.ts';
import { defaultNamespace } from '../../../src/base/default-namespace.ts';
import { StoreError } from '../../../src/base/errors.ts';
import { RequestScopes } from '../../../src/http/access/request-scopes.ts';
import type { CommandStore } from '../../../src/store/store.ts';
import { pickFrom, randomBelow, type Random } from '../../support/random.ts';
import type { ClientHistory } from '../client-history.ts';
import { allNamesIn, keyOf } from '../entry-names.ts';
import type { SimulatedProcess } from '../simulated-process.ts';
import type { AccessJudge } from './access-judge.ts';
import type { AccessPlan } from './access-plan.ts';
import { administrator, findCaller } from './principal-choice.ts';
import type { SentStep } from './uncertain-value.ts';

export interface AdministratorOptions {
  readonly random: Random;
  readonly plan: AccessPlan;
  readonly judge: AccessJudge;
  readonly history: ClientHistory;
}

const tokenLifeMaxMs = 20_000;

export class AdministratorClient {
  readonly name: string;
  isBusy = false;
  readonly #options: AdministratorOptions;
  #tokens = 0;

  constructor(name: string, options: AdministratorOptions) {
    this.name = name;
    this.#options = options;
  }

  async act(store: CommandStore, process: SimulatedProcess): Promise<void> {
    const { access } = process;
    if (access === undefined) return;
    this.isBusy = true;
    await this.#act(store, process, access);
    if (!process.isDead) this.isBusy = false;
  }

  /**
   * Makes the user, without asking whether it may.
   *
   * @returns whether it was done
   */
  putUser(process: SimulatedProcess, access: Access, name: string, isDisabled: boolean) {
    const step = this.#judge.facts.putUser(name, isDisabled);
    const put = (): Promise<unknown> => access.administration.putUser(name, { isDisabled });
    return this.#change(process, step, put);
  }

  /** Like `putUser`, for a namespace. */
  putNamespace(
    process: SimulatedProcess,
    access: Access,
    name: string,
    settings: NamespaceSettings,
  ) {
    const step = this.#judge.facts.putNamespace(name, settings);
    const put = async (): Promise<void> => {
      const outcome = await access.namespaces.put(name, settings);
      if (outcome === 'created') this.#judge.figures.namespacesMade += 1;
    };
    return this.#change(process, step, put, name);
  }

  async #act(store: CommandStore, process: SimulatedProcess, access: Access): Promise<void> {
    const { random, plan } = this.#options;
    const judge = this.#judge;
    const asked = administrator(random, judge, access);
    const found = asked === undefined ? undefined : findCaller(asked, judge, access);
    if (found === undefined) return;
    const { namespaces, nowMs } = access;
    const authorized = new RequestScopes({ store, namespaces, nowMs }).storeOf(found.caller);
    const window = judge.calls.window(access);
    const refusal = refusalOf(() => authorized.authorization.requireServerAdmin());
    judge.calls.noteAnswer(found.principal, undefined, refusal, window, access);
    if (refusal !== undefined) return;
    const choice = random();
    const user = pickFrom(random, plan.users);
    const namespace = pickFrom(random, plan.namespaces);
    if (choice < 0.2) await this.putUser(process, access, user, random() < 0.3);
    else if (choice < 0.26) await this.#deleteUser(process, access, user);
    else if (choice < 0.52) await this.#createToken(process, access, user);
    else if (choice < 0.66) await this.#deleteToken(process, access);
    else if (choice < 0.8) {
      const name = random() < 0.2 ? defaultNamespace : namespace;
      await this.putNamespace(process, access, name, this.#settings());
    } else await this.#drop(process, access, namespace);
  }

  get #judge(): AccessJudge {
    return this.#options.judge;
  }

  async #deleteUser(process: SimulatedProcess, access: Access, name: string): Promise<void> {
    const step = this.#judge.facts.deleteUser(name);
    const isDone = await this.#change(process, step, () => access.administration.deleteUser(name));
    if (isDone) this.#judge.figures.usersDeleted += 1;
  }

  async #createToken(process: SimulatedProcess, access: Access, user: string): Promise<void> {
    const { random } = this.#options;
    const grants = this.#grants();
    const label = `${this.name}-${this.#tokens++}`;
    const expiresAt =
      random() < 0.15 ? access.nowMs() + 1 + randomBelow(random, tokenLifeMaxMs) : undefined;
    const { token, ...step } = this.#judge.facts.createToken({ label, user, expiresAt }, grants);
    const rates = { requestsPerSecond: undefined, writtenBytesPerSecond: undefined };
    const request = { name: label, grants, expiresAt, ...rates };
    const isDone = await this.#change(process, step, async () => {
      const made = await access.administration.createToken(user, request);
      token.id = made.id;
      token.text = made.token;
    });
    if (isDone) this.#judge.figures.tokensMade += 1;
  }

  async #deleteToken(process: SimulatedProcess, access: Access): Promise<void> {
    const judge = this.#judge;
    const known = [...judge.facts.tokens.values()].filter(({ id }) => id !== undefined);
    if (known.length === 0) return;
    const token = pickFrom(this.#options.random, known.slice(-8));
    const isDone = await this.#change(process, judge.facts.deleteToken(token), () =>
      access.administration.deleteToken(token.user, token.id ?? ''),
    );
    if (isDone) judge.figures.tokensRevoked += 1;
  }

  async #drop(process: SimulatedProcess, access: Access, name: string): Promise<void> {
    const judge = this.#judge;
    const recorded = this.#options.history.transaction(this.name, []);
    recorded.decided({ entries: [], versions: [], now: 0 }, [], allNamesIn(name));
    const isDone = await this.#change(
      process,
      judge.facts.dropNamespace(name),
      () => access.namespaces.drop(name),
      name,
      (error) => {
        if (error === undefined) {
          recorded.told({ kind: 'committed', output: undefined, durability: 'synced' });
        } else {
          recorded.told({ kind: 'refused', error });
        }
      },
    );
    if (isDone) judge.figures.namespacesDropped += 1;
  }

  /** @returns whether the change was made */
  async #change(
    process: SimulatedProcess,
    step: SentStep,
    work: () => Promise<unknown>,
    namespace?: string,
    onEnd: (error: StoreError | undefined) => void = () => {},
  ): Promise<boolean> {
    const told = this.#judge.sent(step, namespace);
    let error: StoreError | undefined;
    try {
      await work();
    } catch (thrown) {
      if (!(thrown instanceof StoreError)) throw thrown;
      error = thrown;
    }
    // A process that was killed meanwhile has answered nothing.
    if (process.isDead) return false;
    onEnd(error);
    told(error === undefined ? 'applied' : error.outcome);
    return error === undefined;
  }

  #grants(): readonly Grant[] {
    const { random, plan } = this.#options;
    if (random() < 0.25) return [{ namespace: '*', role: 'admin', prefixes: undefined }];
    return Array.from({ length: 1 + randomBelow(random, 2) }, (): Grant => {
      const namespace = pickFrom(random, [
        ...plan.namespaces,
        ...plan.namespaces,
        defaultNamespace,
        '*',
      ]);
      const role = pickFrom<Role>(random, ['read', 'write', 'write', 'admin']);
      const prefixes = random() < 0.3 ? [keyOf(namespace, randomBelow(random, 4))] : undefined;
      return { namespace, role, prefixes };
    });
  }

  #settings(): NamespaceSettings {
    const { random } = this.#options;
    const audit = pickFrom(random, audits);
    return { ...namespaceDefaults, keysMax: random() < 0.5 ? 1000 : undefined, audit };
  }
}

function refusalOf(check: () => void): StoreError | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
}
