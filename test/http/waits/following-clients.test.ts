// Clients that follow a key: each asks again with the state that it holds, as soon as it is answered. The
// handler's wait runs over the whole engine, on one thread. Whatever happens meanwhile, in which order,
// every client ends with the present state.
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AuthorizedStore } from '../../../src/http/access/authorized-store.ts';
import { EntryWait } from '../../../src/http/rest/keys/entry-wait.ts';
import { isHeldByClient } from '../../../src/http/rest/keys/key-answer.ts';
import { Waits } from '../../../src/http/waits/waits.ts';
import type { Sight } from '../../../src/store/result.ts';
import { MemoryFileSystem } from '../../support/disk/memory-file-system.ts';
import { SimulatedEngine } from '../../support/simulated/simulated-engine.ts';
import { untilIdle } from '../../support/simulated/staged-queue.ts';
import { get, namespace, put, remove } from '../../support/stores/operations.ts';
import { flushAll } from '../../support/stores/store-contract.ts';
import { storeOfAnyone } from '../../support/stores/store-of-anyone.ts';

/** In both of two shards. */
const keys = ['a', 'b', 'c'];

const socketOfTest = (): Socket =>
  Object.assign(new EventEmitter(), { setTimeout: () => undefined }) as unknown as Socket;

/** Follows one key, and counts its answers. */
class FollowingClient {
  readonly key: string;
  /** The version that the client holds; 0 for none. */
  held = 0;
  answers = 0;
  hasFailed = false;
  /** Set when the run is over. */
  isGone = false;

  constructor(key: string, store: AuthorizedStore, waits: Waits) {
    this.key = key;
    void this.#follow(store, waits);
  }

  async #follow(store: AuthorizedStore, waits: Waits): Promise<void> {
    try {
      while (!this.isGone) {
        const conditions = this.held === 0 ? {} : { ifNoneMatch: [this.held] };
        // oxlint-disable-next-line no-await-in-loop -- each asks with the state before
        const sight = await new EntryWait<Sight>({
          waits,
          store,
          read: { op: 'get', namespace, key: this.key },
          waitMs: 300_000,
          socket: socketOfTest(),
          isHeld: (seen) => isHeldByClient(seen, conditions),
          answerOf: (seen) => seen,
          onWait: () => undefined,
        }).run();
        if (sight.kind === 'refused') throw sight.error;
        this.held = sight.kind === 'entry' ? sight.version : 0;
        this.answers += 1;
      }
    } catch {
      this.hasFailed = true;
    }
  }
}

const key = fc.constantFrom(...keys);
const step = fc.oneof(
  fc.record({ do: fc.constant('follow' as const), key }),
  fc.record({ do: fc.constant('put' as const), key }),
  fc.record({ do: fc.constant('expiring' as const), key, ttlMs: fc.integer({ min: 1, max: 100 }) }),
  fc.record({ do: fc.constant('delete' as const), key }),
  fc.record({ do: fc.constant('all' as const), isDelete: fc.boolean() }),
  fc.record({ do: fc.constant('flush' as const) }),
  fc.record({ do: fc.constant('turn' as const) }),
  fc.record({ do: fc.constant('answers' as const) }),
  fc.record({ do: fc.constant('tick' as const), ms: fc.integer({ min: 1, max: 150 }) }),
);

type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

class Run {
  readonly #engine: SimulatedEngine;
  readonly #store: AuthorizedStore;
  readonly #waits: Waits;
  readonly #clients: FollowingClient[] = [];
  readonly #underWay: unknown[] = [];

  private constructor(engine: SimulatedEngine, store: AuthorizedStore) {
    this.#engine = engine;
    this.#store = store;
    const monotonicMs = (): number => engine.clock.monotonicMs();
    this.#waits = new Waits({ waitersMax: 1000, monotonicMs });
  }

  static async open(): Promise<Run> {
    const engine = await SimulatedEngine.open(new MemoryFileSystem(), { fsync: 'never' });
    const store = await engine.until(storeOfAnyone(engine.store));
    if (store === undefined) throw new Error('it does not open');
    return new Run(engine, store);
  }

  async do(one: Step): Promise<void> {
    const { store } = this.#engine;
    if (one.do === 'follow') {
      this.#clients.push(new FollowingClient(one.key, this.#store, this.#waits));
    } else if (one.do === 'put') {
      this.#underWay.push(store.submit(put(one.key, 'x')));
    } else if (one.do === 'expiring') {
      this.#underWay.push(store.submit(put(one.key, 'x', { ttlMs: one.ttlMs })));
    } else if (one.do === 'delete') {
      this.#underWay.push(store.submit(remove(one.key)));
    } else if (one.do === 'all') {
      const change = one.isDelete
        ? ('delete' as const)
        : { value: Buffer.from('t'), expiresAt: undefined };
      const plan = () => ({ output: undefined, changes: keys.map(() => change) });
      const names = keys.map((each) => ({ namespace, key: each }));
      this.#underWay.push(store.transact(names, plan));
    } else if (one.do === 'flush') {
      this.#underWay.push(flushAll(store, [namespace]));
    } else if (one.do === 'turn') {
      await this.#engine.endTurn();
    } else if (one.do === 'answers') {
      await untilIdle();
    } else {
      await this.#engine.tick(one.ms);
    }
  }

  /** Lets all end, and gives a line for each client that is not where its key is. */
  async behind(): Promise<string[]> {
    const engine = this.#engine;
    const settled = await engine.until(Promise.all(this.#underWay), () => engine.tick(), 200);
    if (settled === undefined) throw new Error('an operation has no answer');
    for (let count = 0; count < 20; count++) {
      await engine.tick();
      await engine.endTurn();
      await untilIdle();
    }
    const behind: string[] = [];
    for (const client of this.#clients) {
      const present = await engine.until(engine.store.submit(get(client.key)));
      const version = present?.kind === 'entry' ? present.version : 0;
      if (client.hasFailed) behind.push('a client failed');
      if (client.held !== version) {
        behind.push(`${client.key}: holds ${client.held}, and it is ${version}`);
      }
    }
    if (this.#waits.count !== this.#clients.length) behind.push(`${this.#waits.count} wait`);
    for (const client of this.#clients) client.isGone = true;
    this.#waits.stop();
    await untilIdle();
    return behind;
  }
}

test('a client that follows a key misses no change', async () => {
  const script = fc.array(step, { maxLength: 50 });
  const property = fc.asyncProperty(script, async (steps) => {
    const run = await Run.open();
    for (const one of steps) await run.do(one);
    const behind = await run.behind();
    if (behind.length > 0) throw new Error(behind.join('; '));
  });
  await expect(fc.assert(property, { numRuns: 120 })).resolves.toBeUndefined();
}, 120_000);
