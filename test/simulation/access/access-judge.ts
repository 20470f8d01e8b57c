// Judges users, tokens and namespaces. Whenever no change is on its way, the records of the shards
// must be values that the clients' answers allow, and memory must be what the records are.
// call-judge.ts judges the answers to callers.
import type { Access } from '../../../src/access/access.ts';
import { defaultNamespace } from '../../../src/base/default-namespace.ts';
import type { Outcome } from '../../../src/base/errors.ts';
import type { Store } from '../../../src/store/store.ts';
import type { FaultInjector } from '../fault-injector.ts';
import { doesAnswer, itemsOf } from '../items-of-shard.ts';
import type { NamedItem } from '../logged-entry.ts';
import type { RunRecord } from '../run-record.ts';
import type { SimulatedProcess } from '../simulated-process.ts';
import { absent, type AccessFacts } from './access-facts.ts';
import { CallJudge } from './call-judge.ts';
import { factsOf, foundAccess, misfitOfRegistry, orphansIn } from './found-access.ts';
import type { SentStep } from './uncertain-value.ts';

export interface ChangeFigures {
  usersDeleted: number;
  tokensMade: number;
  tokensRevoked: number;
  namespacesMade: number;
  namespacesMadeByPut: number;
  namespacesDropped: number;
  changesUnknown: number;
  firstPutsUnknown: number;
  endsAmidChange: number;
  looks: number;
  orphansAdopted: number;
}

/** Gets the outcome of a change. */
export type Told = (outcome: Outcome) => void;

/** The doubt about users, tokens and all changes by administrators. */
const recordsInDoubt = 'records';

export class AccessJudge {
  readonly facts: AccessFacts;
  readonly calls: CallJudge;
  readonly figures: ChangeFigures = {
    usersDeleted: 0,
    tokensMade: 0,
    tokensRevoked: 0,
    namespacesMade: 0,
    namespacesMadeByPut: 0,
    namespacesDropped: 0,
    changesUnknown: 0,
    firstPutsUnknown: 0,
    endsAmidChange: 0,
    looks: 0,
    orphansAdopted: 0,
  };
  readonly #record: RunRecord;
  readonly #faults: FaultInjector;
  /** Changes on their way in the present process. */
  #inFlight = 0;
  /** Changes with an unknown outcome, about which the process may still find out. */
  #doubts = new Set<string>();
  #isLookDue = false;
  /** True if a power cut may have taken writes since the last start. */
  #mayHaveLost = false;
  /** Namespaces whose record a power cut may have taken, and left entries. */
  #muddled = new Set<string>();

  readonly #isMuddled = (namespace: string): boolean => this.#muddled.has(namespace);

  constructor(facts: AccessFacts, record: RunRecord, faults: FaultInjector) {
    this.facts = facts;
    this.#record = record;
    this.#faults = faults;
    this.calls = new CallJudge(facts, record, this.#isMuddled);
  }

  /** @param mayLose true if acknowledged writes may not be on stable storage */
  notePowerCut(mayLose: boolean): void {
    if (!mayLose) return;
    this.#mayHaveLost = true;
    this.facts.lose();
  }

  noteProcessEnded(): void {
    if (this.#inFlight > 0) this.figures.endsAmidChange += 1;
    this.#inFlight = 0;
    this.#doubts.clear();
  }

  /** All shards are recovered, and the registries are not loaded yet. */
  noteRecovered(process: SimulatedProcess): void {
    const items = this.#itemsIn(process);
    if (items === undefined) return;
    const found = foundAccess(items);
    const orphans = orphansIn(found);
    if (this.#mayHaveLost) this.#muddled = new Set([...this.#muddled, ...orphans]);
    const stray = orphans.find((name) => !this.#isMuddled(name));
    if (stray !== undefined) this.#fail(`${stray} is recovered with entries and without a record`);
    this.figures.orphansAdopted += orphans.length;
    this.#mayHaveLost = false;
    this.#compareWithFacts(found);
    // The start before may have been cut short while it put the record of such a namespace.
    for (const name of this.#muddled) {
      if (found.namespaces.has(name) || !found.withEntries.has(name)) this.#muddled.delete(name);
    }
  }

  /** The registries are loaded. No caller has asked for anything yet. */
  noteOpened(process: SimulatedProcess, store: Store, access: Access): void {
    this.calls.serverHasToken = access.callers.serverTokens.hasAdmin;
    this.#isLookDue = true;
    this.perhapsLook(process, store, access);
  }

  /** Looks at all records if a change has ended, and none is on its way. */
  perhapsLook(process: SimulatedProcess, store: Store, access: Access): void {
    if (!this.#isLookDue || this.#inFlight > 0 || this.#doubts.size > 0) return;
    const items = this.#itemsOf(process, store);
    if (items === undefined) return;
    this.#isLookDue = false;
    this.figures.looks += 1;
    const found = foundAccess(items);
    const orphan = orphansIn(found).find((name) => !this.#isMuddled(name));
    if (orphan !== undefined) this.#fail(`${orphan} has entries and no record`);
    this.#compareWithFacts(found);
    const misfit = misfitOfRegistry(access, found, this.#isMuddled);
    if (misfit !== undefined) this.#fail(misfit);
    for (const name of found.withEntries) {
      if (access.namespaces.state(name) !== 'made')
        this.#fail(`${name} has entries, and is not made`);
    }
    const extra = [...this.facts.namespaces.keys()].find(
      (name) =>
        name !== defaultNamespace &&
        access.namespaces.state(name) !== 'absent' &&
        !found.namespaces.has(name) &&
        !this.#isMuddled(name),
    );
    if (extra !== undefined) this.#fail(`${extra} is made in memory, and has no record`);
  }

  /** True if nothing is on its way or in doubt, and the last look has seen it. */
  get isSettled(): boolean {
    return this.#inFlight === 0 && this.#doubts.size === 0 && !this.#isLookDue;
  }

  /**
   * An administrator sends a change.
   *
   * @param namespace the namespace that it makes, changes or drops
   * @returns the function that gets the outcome
   */
  sent(step: SentStep, namespace?: string): Told {
    return this.#sent(step, [recordsInDoubt, ...(namespace === undefined ? [] : [namespace])]);
  }

  /** A caller sends a put that makes the namespace if there is none. */
  sentFirstPut(namespace: string): Told {
    const { possible } = this.facts.namespace(namespace);
    const isAbsent = possible.size === 1 && possible.has(absent);
    const told = this.#sent(this.facts.firstPut(namespace), [namespace]);
    return (outcome) => {
      told(outcome);
      if (isAbsent && outcome === 'applied') this.figures.namespacesMadeByPut += 1;
    };
  }

  /** @param doubts those that would refuse the change; an unknown outcome adds the first */
  #sent(step: SentStep, doubts: readonly string[]): Told {
    const before = new Set(this.#doubts);
    const [doubt = recordsInDoubt] = doubts;
    this.#inFlight += 1;
    return (outcome) => {
      this.#inFlight -= 1;
      this.#isLookDue = true;
      if (outcome === 'applied') {
        step.applied();
        for (const each of doubts) if (before.has(each)) this.#doubts.delete(each);
      } else if (outcome === 'not-applied') {
        step.notApplied();
      } else {
        this.#doubts.add(doubt);
        if (doubt === recordsInDoubt) this.figures.changesUnknown += 1;
        else this.figures.firstPutsUnknown += 1;
      }
    };
  }

  #compareWithFacts(found: ReturnType<typeof foundAccess>): void {
    if (found.misfit !== undefined) this.#fail(found.misfit);
    const misfit = this.facts.resolve(factsOf(found), this.#isMuddled);
    if (misfit !== undefined) this.#fail(misfit);
  }

  /**
   * @returns undefined while a shard does not serve, or has work: it may not have carried out the
   *   outcome of a transaction yet
   */
  #itemsOf(process: SimulatedProcess, store: Store): readonly NamedItem[] | undefined {
    const { liveThreads, hasDeferred } = process;
    if (!store.status().shards.every(({ state }) => state === 'serving')) return undefined;
    const threads = liveThreads.filter(({ name }) => name.startsWith('shard '));
    if (hasDeferred || threads.some(({ isBusy }) => isBusy)) return undefined;
    return this.#itemsIn(process);
  }

  /** @returns undefined if a shard refuses to answer */
  #itemsIn({ started }: SimulatedProcess): readonly NamedItem[] | undefined {
    return this.#faults.whilePaused(() => {
      const shards = [...started.values()];
      return shards.every(doesAnswer) ? shards.flatMap(itemsOf) : undefined;
    });
  }

  #fail(violation: string): void {
    this.#record.fail(violation);
  }
}
