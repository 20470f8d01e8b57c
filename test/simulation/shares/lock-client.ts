// A user of locks. Sends one random call at a time: takes a lock, at once or in its turn, looks at one, renews
// and releases the one it has, and now and then one it does not have. The judge hears what it hears.
import { StoreError } from '../../../src/base/errors.ts';
import type { LockName } from '../../../src/locks/lock-names.ts';
import type { CommandStore } from '../../../src/store/store.ts';
import { pickFrom, randomBelow, type Random } from '../../support/random.ts';
import type { SimulatedProcess } from '../simulated-process.ts';
import type { SimulationClient } from '../simulation-parts.ts';
import type { LockJudge } from './lock-judge.ts';
import type { Claim } from './lock-tenures.ts';
import type { ServedLocks, TakeRequest } from './served-locks.ts';

export interface LockClientOptions {
  readonly random: Random;
  readonly judge: LockJudge;
  readonly namespace: string;
  /** The names of all locks. */
  readonly names: readonly string[];
  readonly servedBy: (process: SimulatedProcess, store: CommandStore) => ServedLocks;
}

export interface TakeOptions {
  readonly ttlMs: number;
  /** Undefined: the request does not wait. */
  readonly waitMs?: number | undefined;
  /** As in a `TakeRequest`. */
  readonly hangUp?: TakeRequest['hangUp'];
}

/** Some locks expire while a call is in flight, and some outlive a restart. */
const ttlsMax = [40, 400, 4000];
const waitMsMax = 1500;
const hangUpMsMax = 300;

export class LockClient implements SimulationClient {
  readonly name: string;
  isBusy = false;
  readonly #options: LockClientOptions;
  /** The last lock that was granted, unless its end is known. */
  #held: Claim | undefined;

  constructor(name: string, options: LockClientOptions) {
    this.name = name;
    this.#options = options;
  }

  async act(store: CommandStore, process: SimulatedProcess): Promise<void> {
    this.isBusy = true;
    const served = this.#options.servedBy(process, store);
    await this.#anything(served);
    // Others wait for it, and the run is to end.
    if (served.isPatient && this.#held !== undefined) await this.release(served, this.#held);
    this.isBusy = false;
  }

  /** @returns the grant; undefined if there is none, or the client has hung up */
  async take(served: ServedLocks, lock: string, options: TakeOptions): Promise<Claim | undefined> {
    const { ttlMs, waitMs, hangUp } = options;
    const asked = this.#options.judge.askToTake(lock, this.name, ttlMs, waitMs !== undefined);
    const request = { lock: this.#nameOf(lock), userId: this.name, ttlMs, waitMs, hangUp };
    const { planned: onPlanned, left: onLeave } = asked;
    let granted: Claim | undefined;
    await told(served.take({ ...request, onPlanned, onLeave }), asked.refused, (taken) => {
      asked.granted(taken, taken.isDelivered);
      if (taken.isDelivered) granted = { lock, userId: this.name, fence: taken.fence };
    });
    this.#held = granted ?? this.#held;
    return granted;
  }

  /** @returns whether it was renewed */
  async renew(served: ServedLocks, claim: Claim, ttlMs: number): Promise<boolean> {
    const { lock, userId, fence } = claim;
    const asked = this.#options.judge.askToRenew(claim, ttlMs);
    const request = { lock: this.#nameOf(lock), userId, fences: [fence], ttlMs };
    const renewing = served.renew({ ...request, onPlanned: asked.planned });
    return await told(renewing, asked.refused, asked.renewed);
  }

  /** @returns whether it was released */
  async release(served: ServedLocks, claim: Claim): Promise<boolean> {
    const { lock, userId, fence } = claim;
    const asked = this.#options.judge.askToRelease(claim);
    if (this.#held?.fence === fence) this.#held = undefined;
    const releasing = served.release(this.#nameOf(lock), { userId, fences: [fence] });
    return await told(releasing, asked.refused, asked.released);
  }

  /** @returns false if the look was refused */
  async look(served: ServedLocks, lock: string): Promise<boolean> {
    const asked = this.#options.judge.askToLook(lock);
    return await told(served.look(this.#nameOf(lock)), () => undefined, asked.seen);
  }

  async #anything(served: ServedLocks): Promise<void> {
    const { random, names, judge } = this.#options;
    const choice = random();
    const held = this.#held;
    if (held !== undefined && choice < 0.15) {
      if (!(await this.renew(served, held, this.#ttlMs()))) this.#held = undefined;
    } else if (held !== undefined && choice < 0.4) {
      await this.release(served, held);
    } else if (choice < 0.48) {
      await this.look(served, pickFrom(random, names));
    } else if (choice < 0.56 && judge.lastGrant !== undefined) {
      await this.#claimForeign(served, judge.lastGrant);
    } else if (choice < 0.6) {
      await this.#clear(served, pickFrom(random, names));
    } else {
      const waitMs = random() < 0.2 ? undefined : 1 + randomBelow(random, waitMsMax);
      const options = { ttlMs: this.#ttlMs(), waitMs, hangUp: this.#hangUp() };
      await this.take(served, pickFrom(random, names), options);
    }
  }

  /** Claims the lock of another as its own, or with a fence nearby. */
  async #claimForeign(served: ServedLocks, { lock, fence }: Claim): Promise<void> {
    const { random } = this.#options;
    const claim = { lock, userId: this.name, fence: fence + randomBelow(random, 3) - 1 };
    if (random() < 0.5) await this.renew(served, claim, this.#ttlMs());
    else await this.release(served, claim);
  }

  /** Releases it as an administrator may, without its fence. */
  async #clear(served: ServedLocks, lock: string): Promise<void> {
    const asked = this.#options.judge.askToClear(lock);
    await told(served.release(this.#nameOf(lock), 'anyone'), asked.refused, asked.released);
  }

  #hangUp(): TakeRequest['hangUp'] {
    const { random } = this.#options;
    const choice = random();
    if (choice < 0.15) return randomBelow(random, hangUpMsMax);
    return choice < 0.3 ? 'in its turn' : undefined;
  }

  #ttlMs(): number {
    const { random } = this.#options;
    return 1 + randomBelow(random, pickFrom(random, ttlsMax));
  }

  #nameOf(lock: string): LockName {
    return { namespace: this.#options.namespace, name: lock };
  }
}

/** @returns whether the call was carried out */
async function told<T>(
  call: Promise<T>,
  onRefused: (error: StoreError) => void,
  onDone: (answer: T) => void,
): Promise<boolean> {
  let answer: T;
  try {
    answer = await call;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    onRefused(error);
    return false;
  }
  onDone(answer);
  return true;
}
