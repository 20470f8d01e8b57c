// Queues of locks: each rule alone over sights that the test gives, and then waiters over a whole engine,
// whatever happens in which order.
import * as fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { StoreError } from '../../src/base/errors.ts';
import { LockQueues, type LockPlace } from '../../src/locks/lock-queues.ts';
import { releasing, taking, type HeldLock } from '../../src/locks/lock-rules.ts';
import { lockTransactOptions } from '../../src/locks/locks.ts';
import type { Authorization } from '../../src/store/authorization.ts';
import type { Sight } from '../../src/store/result.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { SimulatedEngine } from '../support/simulated/simulated-engine.ts';
import { entry, refused, untilIdle } from '../support/simulated/staged-queue.ts';

const lock = { namespace: 'app', name: 'job' };
const missing: Sight = { kind: 'missing' };
const heldUntil = (expiresAt: number): Sight => entry('held', expiresAt);

/** Watches, in the order in which they began. */
let watches: ((sight: Sight) => void)[];
let ended: number;
let queues: LockQueues;

beforeEach(() => {
  watches = [];
  ended = 0;
  queues = new LockQueues({
    watch: (_, onSight) => {
      watches.push(onSight);
      return () => {
        ended += 1;
      };
    },
  });
});

const show = (sight: Sight): void => watches.at(-1)?.(sight);

/** Asks for the turns of the place, one after the other. */
class Turns {
  count = 0;

  constructor(place: LockPlace) {
    void this.#follow(place);
  }

  async #follow(place: LockPlace): Promise<void> {
    do {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await place.turn();
      this.count += 1;
    } while (place.isFirst);
  }
}

async function turnsOf(...places: readonly LockPlace[]): Promise<Turns[]> {
  const turns = places.map((place) => new Turns(place));
  await untilIdle();
  return turns;
}

const countsOf = async (turns: readonly Turns[]): Promise<number[]> => {
  await untilIdle();
  return turns.map(({ count }) => count);
};

describe('a queue', () => {
  test('gives turns to the first alone, one for each time that the lock may be free', async () => {
    const [first, second] = [queues.join(lock), queues.join(lock)];
    expect([first.isFirst, second.isFirst]).toEqual([true, false]);
    const turns = await turnsOf(second, first);
    expect(await countsOf(turns)).toEqual([0, 0]);
    show(missing);
    expect(await countsOf(turns)).toEqual([0, 1]);
    show(heldUntil(5));
    expect(await countsOf(turns)).toEqual([0, 1]);
    show(missing);
    expect(await countsOf(turns)).toEqual([0, 2]);
  });

  test('keeps a turn for a first one that does not ask yet', async () => {
    const place = queues.join(lock);
    show(missing);
    expect(await countsOf(await turnsOf(place))).toEqual([1]);
  });

  test('gives the turn of one that leaves to the next', async () => {
    const places = [queues.join(lock), queues.join(lock), queues.join(lock)];
    const turns = await turnsOf(...places);
    show(missing);
    expect(await countsOf(turns)).toEqual([1, 0, 0]);
    places[0]?.leave();
    expect(await countsOf(turns)).toEqual([2, 1, 0]);
    places[1]?.leave();
    places[1]?.leave();
    expect(await countsOf(turns)).toEqual([2, 2, 1]);
  });

  test('lets one that leaves go on at once, wherever it stands', async () => {
    const places = [queues.join(lock), queues.join(lock)];
    const turns = await turnsOf(...places);
    places[1]?.leave();
    expect(await countsOf(turns)).toEqual([1, 1]);
    expect(places[1]?.isFirst).toBe(false);
    await places[1]?.turn();
  });

  test('knows the deadline that was seen last', () => {
    const place = queues.join(lock);
    expect(place.expiresAt).toBeUndefined();
    show(heldUntil(7));
    show(heldUntil(9));
    show(missing);
    expect(place.expiresAt).toBe(9);
  });

  test('is over with its last waiter, and so is its watch', () => {
    const other = { ...lock, name: 'other' };
    const places = [queues.join(lock), queues.join(lock), queues.join(other)];
    expect([queues.count, watches.length]).toEqual([2, 2]);
    places[0]?.leave();
    expect([queues.hasWaiters(lock), ended]).toEqual([true, 0]);
    places[1]?.leave();
    expect([queues.hasWaiters(lock), queues.hasWaiters(other), ended]).toEqual([false, true, 1]);
    const again = queues.join(lock);
    expect([again.isFirst, again.expiresAt, watches.length]).toEqual([true, undefined, 3]);
  });

  test('whose first look is refused gives a turn, and looks again in the next', async () => {
    const turns = await turnsOf(queues.join(lock), queues.join(lock));
    show(refused('not-applied'));
    expect(await countsOf(turns)).toEqual([1, 0]);
    expect([watches.length, ended]).toEqual([2, 1]);
    show(heldUntil(5));
    expect(await countsOf(turns)).toEqual([1, 0]);
    show(missing);
    expect(await countsOf(turns)).toEqual([2, 0]);
    expect([watches.length, ended]).toEqual([2, 1]);
  });

  test('that is over watches nothing, even if its first look was refused', async () => {
    const place = queues.join(lock);
    show(refused('not-applied'));
    place.leave();
    await place.turn();
    expect([watches.length, ended]).toEqual([1, 1]);
  });
});

/** Refuses each read. */
const noRights: Authorization = {
  refusalOfRead: () => new StoreError('FORBIDDEN', 'no'),
  refusalOfWrite: () => undefined,
};

type Step =
  | { readonly do: 'barge'; readonly name: string; readonly ttlMs: number }
  | {
      readonly do: 'join';
      readonly name: string;
      readonly ttlMs: number;
      /** The first look of the queue, if there is none yet, is refused. */
      readonly isRefused: boolean;
    }
  | { readonly do: 'leave' | 'release'; readonly index: number }
  | { readonly do: 'tick'; readonly ms: number }
  | { readonly do: 'turn' | 'answers' };

const wanted = { name: fc.constantFrom('a', 'b'), ttlMs: fc.integer({ min: 1, max: 200 }) };
const joining = { ...wanted, isRefused: fc.constantFrom(false, false, true) };
const chosen = { index: fc.nat({ max: 9 }) };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('join'), ...joining }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('barge'), ...wanted }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('leave', 'release'), ...chosen }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('tick'), ms: fc.nat({ max: 150 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('turn', 'turn', 'answers') }) },
);

class Run {
  readonly #engine: SimulatedEngine;
  readonly #queues: LockQueues;
  /** Those that wait for each lock, in the order in which they came. */
  readonly #waiting = new Map<string, Set<object>>();
  readonly #leaves: (() => void)[] = [];
  readonly #held: HeldLock[] = [];
  #isRefusing = false;
  readonly wrong: string[] = [];

  constructor(engine: SimulatedEngine) {
    this.#engine = engine;
    const { store } = engine;
    this.#queues = new LockQueues({
      watch: (read, onSight) => {
        const options = this.#isRefusing ? { authorization: noRights } : {};
        return store.watch(read, onSight, options);
      },
    });
  }

  async do(one: Step): Promise<void> {
    if (one.do === 'join') void this.#join(one.name, one.ttlMs, one.isRefused);
    else if (one.do === 'barge') void this.#barge(one.name, one.ttlMs);
    else if (one.do === 'leave') this.#leaves[one.index]?.();
    else if (one.do === 'release') this.#release(one.index);
    else if (one.do === 'tick') await this.#engine.tick(one.ms);
    else if (one.do === 'turn') await this.#engine.endTurn();
    else await untilIdle();
  }

  /** All locks end at their deadlines: each waiter must have had its lock by then. */
  async end(): Promise<void> {
    for (let count = 0; count < 200; count++) {
      await this.#engine.tick(50);
      await this.#engine.endTurn();
      await this.#engine.endTurn();
      await untilIdle();
    }
    for (const [name, waiting] of this.#waiting) {
      if (waiting.size > 0) this.wrong.push(`${waiting.size} wait for ${name}`);
    }
    if (this.#queues.count > 0) this.wrong.push(`${this.#queues.count} queues are left`);
    for (const leave of this.#leaves) leave();
  }

  #waitingFor(name: string): Set<object> {
    let waiting = this.#waiting.get(name);
    if (waiting === undefined) this.#waiting.set(name, (waiting = new Set()));
    return waiting;
  }

  async #join(name: string, ttlMs: number, isRefused: boolean): Promise<void> {
    const waiting = this.#waitingFor(name);
    const before = [...waiting];
    this.#isRefusing = isRefused;
    const place = this.#queues.join({ ...lock, name });
    this.#isRefusing = false;
    waiting.add(place);
    this.#leaves.push(() => {
      waiting.delete(place);
      place.leave();
    });
    try {
      // oxlint-disable no-await-in-loop -- one attempt after the other
      while (waiting.has(place)) {
        const held = await this.#take(name, ttlMs, () => place.isFirst);
        if (held !== undefined) return this.#granted(waiting, place, held, before);
        await place.turn();
      }
      // oxlint-enable no-await-in-loop
    } finally {
      place.leave();
    }
  }

  async #barge(name: string, ttlMs: number): Promise<void> {
    const waiting = this.#waitingFor(name);
    const before = [...waiting];
    const mayTake = (): boolean => !this.#queues.hasWaiters({ ...lock, name });
    const held = await this.#take(name, ttlMs, mayTake);
    if (held !== undefined) this.#granted(waiting, {}, held, before);
  }

  #granted(waiting: Set<object>, waiter: object, held: HeldLock, before: readonly object[]): void {
    if (before.some((each) => waiting.has(each))) this.wrong.push('one is overtaken');
    waiting.delete(waiter);
    this.#held.push(held);
  }

  async #take(name: string, ttlMs: number, mayTake: () => boolean): Promise<HeldLock | undefined> {
    const { names, plan } = taking({ ...lock, name }, { ttlMs, userId: 'ann', mayTake });
    try {
      const result = await this.#engine.store.transact(names, plan, lockTransactOptions);
      return result.kind === 'committed' ? result.output : undefined;
    } catch {
      return undefined;
    }
  }

  #release(index: number): void {
    const held = this.#held[index];
    if (held === undefined) return;
    const { names, plan } = releasing(held, { fences: [held.fence], userId: 'ann' });
    const released = this.#engine.store.transact(names, plan, lockTransactOptions);
    // It may have expired.
    released.catch(() => undefined);
  }
}

test('whatever happens in which order, all who wait get the lock in the order in which they came', async () => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
    const run = new Run(await SimulatedEngine.open(new MemoryFileSystem(), { fsync: 'always' }));
    for (const one of steps) await run.do(one);
    await run.end();
    expect(run.wrong).toEqual([]);
  });
  await fc.assert(property, { numRuns: 400 });
}, 120_000);
