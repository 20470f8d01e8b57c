// A caller of the simulation: reads and writes entries through the store that is bound to its rights.
// Records its calls, and has the judge look at each answer.
import type { Access } from '../../../src/access/access.ts';
import { defaultNamespace } from '../../../src/base/default-namespace.ts';
import { StoreError } from '../../../src/base/errors.ts';
import type { AuthorizedStore } from '../../../src/http/access/authorized-store.ts';
import { RequestScopes } from '../../../src/http/access/request-scopes.ts';
import type { ListPage } from '../../../src/store/listing.ts';
import type { EntryName, Operation } from '../../../src/store/operation.ts';
import type { Result } from '../../../src/store/result.ts';
import type { CommandStore } from '../../../src/store/store.ts';
import type { EntryPut, TransactionMoment } from '../../../src/store/transaction.ts';
import type { Call } from '../../support/history/recorded-call.ts';
import { pickFrom, randomBelow, type Random } from '../../support/random.ts';
import type { ClientHistory } from '../client-history.ts';
import { allNamesIn, entryOfName, nameOf } from '../entry-names.ts';
import type { SimulatedProcess } from '../simulated-process.ts';
import type { SimulationPlan } from '../simulation-plan.ts';
import { tagOf } from '../transaction-tag.ts';
import type { AccessJudge, Told } from './access-judge.ts';
import type { Principal, Wanted } from './call-judge.ts';
import type { AccessPlan } from './access-plan.ts';
import { anyPrincipal, findCaller } from './principal-choice.ts';

export interface CallerOptions {
  readonly random: Random;
  readonly plan: AccessPlan;
  readonly valueBytes: SimulationPlan['valueBytes'];
  readonly judge: AccessJudge;
  readonly history: ClientHistory;
  /** Called with every result, in the order of the answers. */
  readonly onResult: (name: string, call: Call, result: Result) => void;
}

/** One call of a principal, and the store that is bound to its rights. */
interface Session {
  readonly principal: Principal;
  readonly store: AuthorizedStore;
  readonly access: Access;
  readonly process: SimulatedProcess;
}

interface Asked {
  readonly operation: Operation;
  readonly call: Call;
}

const keysMax = 4;

/** The names of all entries that callers use in the namespace. */
export function namesUsedIn(namespace: string): readonly string[] {
  return allNamesIn(namespace).slice(0, keysMax);
}

export class CallerClient {
  readonly name: string;
  isBusy = false;
  readonly #options: CallerOptions;
  #sent = 0;

  constructor(name: string, options: CallerOptions) {
    this.name = name;
    this.#options = options;
  }

  async act(store: CommandStore, process: SimulatedProcess): Promise<void> {
    const { random, judge } = this.#options;
    const { access } = process;
    const found =
      access === undefined ? undefined : findCaller(anyPrincipal(random, judge), judge, access);
    if (access === undefined || found === undefined) return;
    this.isBusy = true;
    const { namespaces, nowMs } = access;
    const authorized = new RequestScopes({ store, namespaces, nowMs }).storeOf(found.caller);
    const session = { principal: found.principal, store: authorized, access, process };
    const choice = random();
    if (choice < 0.55) await this.#one(session);
    else if (choice < 0.72) await this.#many(session);
    else if (choice < 0.88) await this.#transact(session);
    else await this.#list(session);
    if (!process.isDead) this.isBusy = false;
  }

  /**
   * Puts a value that no other call puts.
   *
   * @returns whether it was written
   */
  async put(store: CommandStore, process: SimulatedProcess, name: string): Promise<boolean> {
    const { judge } = this.#options;
    const { access } = process;
    if (access === undefined) return false;
    const found = findCaller('server', judge, access);
    if (found === undefined) throw new Error('the server has a token at the end');
    const { namespaces, nowMs } = access;
    const authorized = new RequestScopes({ store, namespaces, nowMs }).storeOf(found.caller);
    const session = { principal: found.principal, store: authorized, access, process };
    const result = await this.#submit(session, this.#askedPut(entryOfName(name)));
    return result?.kind === 'written';
  }

  async #one(session: Session): Promise<void> {
    await this.#submit(session, this.#anything(this.#namespace()));
  }

  async #submit(session: Session, asked: Asked): Promise<Result | undefined> {
    const { operation } = asked;
    const end = this.#begin(session, [asked]);
    const result = await session.store.submit(operation);
    return end([result]) ? result : undefined;
  }

  async #many(session: Session): Promise<void> {
    const namespace = this.#namespace();
    const count = 2 + randomBelow(this.#random, 4);
    const asked = Array.from({ length: count }, () => this.#anything(namespace));
    const end = this.#begin(session, asked);
    end(await session.store.submitAll(asked.map(({ operation }) => operation)));
  }

  /**
   * Records calls on entries of one namespace.
   *
   * @returns the function that gets their results; false if the process was killed meanwhile
   */
  #begin(
    { principal, access, process }: Session,
    asked: readonly Asked[],
  ): (results: readonly Result[]) => boolean {
    const { judge, history, onResult } = this.#options;
    const window = judge.calls.window(access);
    const recorded = asked.map(({ operation, call }) =>
      history.send(this.name, nameOf(operation), call),
    );
    const puts = asked.filter(({ operation }) => operation.op === 'put');
    const told = this.#toldOfMaking(principal, access, puts[0]?.operation.namespace);
    return (results) => {
      if (process.isDead) return false;
      for (const [index, result] of results.entries()) {
        recorded[index]?.told(result);
        const one = asked[index];
        if (one !== undefined) onResult(nameOf(one.operation), one.call, result);
      }
      const ofPuts = results.filter((_, index) => asked[index]?.operation.op === 'put');
      told?.(outcomeOfPuts(ofPuts));
      for (const [index, result] of results.entries()) {
        const one = asked[index];
        const error = result.kind === 'refused' ? result.error : undefined;
        if (one === undefined) continue;
        const wanted = [wantedBy(one.operation)];
        judge.calls.noteAnswer(principal, wanted, error, window, access);
      }
      return true;
    };
  }

  /** Puts or deletes some keys of one namespace at one moment. */
  async #transact({ principal, store, access, process }: Session): Promise<void> {
    const { judge, history } = this.#options;
    const namespace = this.#namespace();
    const names = this.#names(namespace).slice(0, 1 + randomBelow(this.#random, 3));
    const isPut = names.map(() => this.#random() < 0.8);
    const window = judge.calls.window(access);
    const recorded = history.transaction(this.name, names);
    const told = this.#toldOfMaking(
      principal,
      access,
      isPut.includes(true) ? namespace : undefined,
    );
    const plan = (moment: TransactionMoment) => {
      const changes = names.map((_, index): EntryPut | 'delete' =>
        isPut[index] === true
          ? { value: Buffer.from(this.#value()), expiresAt: undefined }
          : 'delete',
      );
      recorded.decided(moment, changes, []);
      return { output: undefined, changes };
    };
    const result = await store.transact(names.map(entryOfName), plan);
    if (process.isDead) return;
    recorded.told(result);
    const error = result.kind === 'refused' ? result.error : undefined;
    told?.(error?.outcome ?? 'applied');
    const wanted = names.map((name) => ({ ...entryOfName(name), isWrite: true }));
    judge.calls.noteAnswer(principal, wanted, error, window, access);
  }

  /** Lists a namespace. The page must have no key that the caller may not read. */
  async #list({ principal, store, access, process }: Session): Promise<void> {
    const { judge, history, onResult } = this.#options;
    const namespace = this.#namespace();
    const window = judge.calls.window(access);
    const step = history.newStep();
    const names = namesUsedIn(namespace);
    const recorded = names.map((name) => history.send(this.name, name, { op: 'get' }, { step }));
    let page: ListPage;
    try {
      page = await store.list({
        namespace,
        prefix: '',
        start: undefined,
        end: undefined,
        after: undefined,
        limit: 100,
        reverse: this.#random() < 0.3,
        includeValues: true,
      });
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      const wanted = names.map((name) => ({ ...entryOfName(name), isWrite: false }));
      if (!process.isDead) judge.calls.noteAnswer(principal, wanted, error, window, access);
      return;
    }
    if (process.isDead) return;
    for (const { key } of page.items) {
      const wanted = [{ namespace, key, isWrite: false }];
      judge.calls.noteAnswer(principal, wanted, undefined, window, access);
    }
    for (const [index, name] of names.entries()) {
      const { key } = entryOfName(name);
      if (!judge.calls.surelyReads(principal, { namespace, key, isWrite: false }, window)) continue;
      const item = page.items.find((one) => one.key === key);
      const result: Result = item === undefined ? { kind: 'missing' } : { kind: 'entry', ...item };
      recorded[index]?.told(result);
      onResult(name, { op: 'get' }, result);
    }
  }

  /** @param namespace of a put; undefined if the call puts nothing */
  #toldOfMaking(
    principal: Principal,
    access: Access,
    namespace: string | undefined,
  ): Told | undefined {
    const { judge } = this.#options;
    if (namespace === undefined || namespace === defaultNamespace) return undefined;
    if (!judge.calls.mayAdminister(principal, access.nowMs())) return undefined;
    return judge.sentFirstPut(namespace);
  }

  get #random(): Random {
    return this.#options.random;
  }

  #namespace(): string {
    const { namespaces } = this.#options.plan;
    return this.#random() < 0.15 ? defaultNamespace : pickFrom(this.#random, namespaces);
  }

  /** The names of a namespace, in a random order. */
  #names(namespace: string): string[] {
    const left = [...namesUsedIn(namespace)];
    return Array.from(left).map(() => {
      const [name = ''] = left.splice(randomBelow(this.#random, left.length), 1);
      return name;
    });
  }

  #anything(namespace: string): Asked {
    const entry = entryOfName(pickFrom(this.#random, this.#names(namespace)));
    const choice = this.#random();
    if (choice < 0.35) return { operation: { op: 'get', ...entry }, call: { op: 'get' } };
    if (choice < 0.8) return this.#askedPut(entry, this.#random() < 0.2);
    return { operation: { op: 'delete', ...entry }, call: { op: 'delete' } };
  }

  #askedPut(entry: EntryName, isFirst = false): Asked {
    const value = this.#value();
    const conditions = isFirst ? { ifNoneMatch: '*' as const } : {};
    return {
      operation: { op: 'put', ...entry, value: Buffer.from(value), ...conditions },
      call: { op: 'put', value, ...conditions },
    };
  }

  #value(): string {
    const length = this.#options.valueBytes[this.#random() < 0.05 ? 1 : 0];
    // Any put may be a part of a transaction that makes its namespace.
    const tag = tagOf(this.name, this.#sent++, 0);
    return `${tag}${'x'.repeat(randomBelow(this.#random, length))}`;
  }
}

function wantedBy({ op, namespace, key }: Operation): Wanted {
  return { namespace, key, isWrite: op === 'put' || op === 'delete' };
}

/** The outcome of all puts that may have made a namespace: one of them is enough. */
function outcomeOfPuts(results: readonly Result[]): 'applied' | 'not-applied' | 'unknown' {
  if (results.some(({ kind }) => kind === 'written')) return 'applied';
  const isUnknown = results.some(
    (result) => result.kind === 'refused' && result.error.outcome === 'unknown',
  );
  return isUnknown ? 'unknown' : 'not-applied';
}
