// Runs in which the default namespace has a quota. Clients ask for more than it lets in. No moment may
// show more than the quota, through faults and restarts. Once nothing is under way, it is exact. In half
// of the runs queues count as short only while they are nearly empty: then clients wait for their turns.
import { defaultNamespace } from '../../../src/base/default-namespace.ts';
import { namespacesCountedTo } from '../../../src/base/namespace-name.ts';
import type { ListPage } from '../../../src/store/listing.ts';
import type { Quota } from '../../../src/store/quota.ts';
import type { Result } from '../../../src/store/result.ts';
import type { NamespaceFigures } from '../../../src/store/store-status.ts';
import type { CommandStore, Store } from '../../../src/store/store.ts';
import { pickFrom, randomBelow, seededRandom } from '../../support/random.ts';
import type { Operation } from '../../../src/store/operation.ts';
import type { HealPhase } from '../heal-phase.ts';
import { orRefused } from '../read-page.ts';
import { demand, type RunRecord } from '../run-record.ts';
import type { Scheduler } from '../scheduler.ts';
import type { SimulatedClock } from '../simulated-clock.ts';
import type { SimulatedProcess } from '../simulated-process.ts';
import type { SimulationPlan } from '../simulation-plan.ts';
import { LockScenario } from './lock-scenario.ts';

export interface SharesFigures {
  /** Pages that showed as many keys as the quota lets in. */
  fullPages: number;
  quotaRefusals: number;
}

export interface SharesOptions {
  readonly seed: number;
  readonly plan: SimulationPlan;
  readonly record: RunRecord;
  readonly clock: SimulatedClock;
}

/** So the choices of this scenario are not those of the run, and those of locks not these. */
const seedOfShares = 0x5a5a_5a5a;
const seedOfLocks = 0x9b30_9b30;
/** The share of runs with locks. */
const lockShare = 0.6;

export class SharesScenario {
  readonly figures: SharesFigures = { fullPages: 0, quotaRefusals: 0 };
  readonly quota: Quota;
  /** Often so small that clients wait for their turns. */
  readonly shortQueueMax: number | undefined;
  /** Undefined in a run without locks. */
  readonly locks: LockScenario | undefined;
  readonly #record: RunRecord;
  /** A power cut may have taken back deletes, and left the writes that took their room. */
  #mayExceed = false;
  #isHealing = false;

  constructor({ seed, plan, record, clock }: SharesOptions) {
    const ofLocks = seededRandom(seed ^ seedOfLocks);
    this.locks =
      ofLocks() < lockShare ? new LockScenario({ random: ofLocks, record, clock }) : undefined;
    const random = seededRandom(seed ^ seedOfShares);
    // Locks count, and so does the last fence.
    const keysOfLocks = this.locks?.namespace === defaultNamespace ? randomBelow(ofLocks, 4) : 0;
    const keysMax = 1 + randomBelow(random, 6) + keysOfLocks;
    const [usual] = plan.valueBytes;
    const bytesMax = pickFrom(random, [Infinity, keysMax * usual, 2 * usual]);
    this.quota = { keysMax, bytesMax };
    this.shortQueueMax = random() < 0.5 ? undefined : 1 + randomBelow(random, 3);
    this.#record = record;
  }

  /** Called with each store, before any client uses it. */
  async begin(process: SimulatedProcess, store: CommandStore): Promise<void> {
    if (!this.#isHealing) await store.setQuota?.(defaultNamespace, this.quota);
    await this.locks?.begin(process, store);
  }

  notePowerCut(mayLose: boolean): void {
    if (mayLose) this.#mayExceed = true;
  }

  notePage(namespace: string, { items }: ListPage): void {
    if (namespace !== defaultNamespace || this.#mayExceed || this.#isHealing) return;
    const { keysMax = Infinity, bytesMax = Infinity } = this.quota;
    const bytes = items.reduce((sum, { key, size }) => sum + key.length + size, 0);
    if (items.length === keysMax) this.figures.fullPages += 1;
    if (items.length <= keysMax && bytes <= bytesMax) return;
    this.#record.fail(
      `a page shows ${items.length} keys of ${bytes} bytes; the quota is ${JSON.stringify(this.quota)}`,
    );
  }

  noteResult(result: Result): void {
    if (result.kind !== 'refused' || result.error.code !== 'QUOTA_EXCEEDED') return;
    this.figures.quotaRefusals += 1;
    if (this.#isHealing) this.#record.fail('a write is refused, and there is no quota any more');
  }

  /**
   * Nothing is under way, and no fault happens: there is room for one more entry, and for no other.
   * Then the quota goes, so that the rest of the run may write all keys.
   */
  async heal(store: Store, scheduler: Scheduler, phase: HealPhase): Promise<void> {
    const held = await measured(store, phase);
    const keysMax = held.keys + 1;
    const bytesMax = held.bytes + 'probe-1'.length + probeValue.length;
    await scheduler.finish(setQuota(store, { keysMax, bytesMax }));
    const submit = async (operation: Operation): Promise<string> => {
      const result = await store.submit(operation);
      return result.kind === 'refused' ? result.error.code : result.kind;
    };
    const probe = (key: string): Promise<string> =>
      submit({ op: 'put', namespace: defaultNamespace, key, value: probeValue });
    await phase.mustSucceed('the last free key is not written', async () => {
      const found = await probe('probe-1');
      demand(found !== 'QUOTA_EXCEEDED', `the last free key of ${keysMax} was refused`);
      return found === 'written';
    });
    await phase.mustSucceed('no further key is judged', async () =>
      // Entries may have expired meanwhile.
      /^(?:QUOTA_EXCEEDED|written)$/.test(await probe('probe-2')),
    );
    const after = await measured(store, phase);
    const found = `${keysMax} keys of ${bytesMax} bytes are allowed, there are ${JSON.stringify(after)}`;
    demand(after.keys <= keysMax && after.bytes <= bytesMax, found);
    for (const key of ['probe-1', 'probe-2']) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await phase.mustSucceed('a key is not deleted', async () =>
        /^(?:deleted|missing)$/.test(
          await submit({ op: 'delete', namespace: defaultNamespace, key }),
        ),
      );
    }
    this.#isHealing = true;
    await scheduler.finish(setQuota(store, {}));
  }
}

type Measured = Pick<NamespaceFigures, 'keys' | 'bytes'>;

const probeValue = Buffer.from('p');

async function measured(store: Store, phase: HealPhase): Promise<Measured> {
  let figures: Measured | undefined;
  await phase.mustSucceed('no measure is answered', async () => {
    const counted = await orRefused(store.measure(namespacesCountedTo(defaultNamespace)));
    if (counted === undefined) return false;
    const keys = counted.reduce((sum, each) => sum + each.keys, 0);
    figures = { keys, bytes: counted.reduce((sum, each) => sum + each.bytes, 0) };
    return true;
  });
  if (figures === undefined) throw new Error('a measure gives figures');
  return figures;
}

async function setQuota(store: Store, quota: Quota): Promise<void> {
  await store.setQuota?.(defaultNamespace, quota);
}
