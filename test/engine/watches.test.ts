// Watches of entries over the whole engine, on one thread: whatever happens and in which order, a watcher
// sees each state of its entry that a write was acknowledged with, and ends with the present one.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CommandOperation, EntryName } from '../../src/store/operation.ts';
import type { Sight } from '../../src/store/result.ts';
import type { CommandStore } from '../../src/store/store.ts';
import { unreachable } from '../../src/base/assert.ts';
import type { ShardTasks } from '../../src/protocol/shard-task.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { SimulatedEngine } from '../support/simulated/simulated-engine.ts';
import type { SimulatedThread } from '../support/simulated/simulated-thread.ts';
import { get, namespace, put, remove } from '../support/stores/operations.ts';
import { flushAll } from '../support/stores/store-contract.ts';

/** In both of two shards. */
const keys = ['a', 'b', 'c', 'd'];
const key = fc.constantFrom(...keys);

const writes = [
  fc.record({ do: fc.constant('put' as const), key }),
  fc.record({ do: fc.constant('putIfNone' as const), key }),
  fc.record({ do: fc.constant('putFor' as const), key, ttlMs: fc.integer({ min: 1, max: 200 }) }),
  fc.record({ do: fc.constant('delete' as const), key }),
  fc.record({ do: fc.constant('append' as const), key }),
  fc.record({ do: fc.constant('transact' as const), key, isDelete: fc.boolean() }),
  fc.record({ do: fc.constant('flush' as const) }),
] as const;

const passing = [
  fc.record({ do: fc.constant('watch' as const), key }),
  fc.record({ do: fc.constant('leave' as const), which: fc.nat(10) }),
  fc.record({ do: fc.constant('turn' as const) }),
  fc.record({ do: fc.constant('turn' as const) }),
  fc.record({ do: fc.constant('tick' as const), ms: fc.integer({ min: 1, max: 300 }) }),
] as const;

/** The threads that get the next batches die, each before its batch or behind it. */
const death = fc.record({
  do: fc.constant('die' as const),
  done: fc.array(fc.constantFrom(0, 1), { minLength: 1, maxLength: 3 }),
});

type Step = (typeof writes)[number] extends fc.Arbitrary<infer T> ? T : never;
type Passing = (typeof passing)[number] extends fc.Arbitrary<infer T> ? T : never;
type Death = typeof death extends fc.Arbitrary<infer T> ? T : never;

const namesOfAll: readonly EntryName[] = keys.map((each) => ({ namespace, key: each }));

function append(appended: string): CommandOperation {
  const [name, access, args] = ['append', 'write', [appended, 'x']] as const;
  return { op: 'command', namespace, key: appended, name, access, args, keys: [appended], valueBytesMax: 1000 }; // prettier-ignore
}

/** @returns the version that the write gave; 0 if it gave none, or the outcome is unknown */
async function carryOut(store: CommandStore, step: Step): Promise<number> {
  switch (step.do) {
    case 'append':
      await store.submitCommands([append(step.key)]);
      return 0;
    case 'transact': {
      const change = step.isDelete ? 'delete' : { value: Buffer.from('t'), expiresAt: undefined };
      const index = keys.indexOf(step.key);
      const plan = ({ versions }: { readonly versions: readonly number[] }) => ({
        output: step.isDelete ? 0 : (versions[index] ?? 0),
        changes: keys.map((each, at) => (at === index || each === 'a' ? change : undefined)),
      });
      const result = await store.transact(namesOfAll, plan);
      return result.kind === 'committed' ? result.output : 0;
    }
    case 'flush':
      await flushAll(store, [namespace]).catch(() => undefined);
      return 0;
    case 'delete':
      await store.submit(remove(step.key));
      return 0;
    case 'put':
    case 'putFor':
    case 'putIfNone': {
      const ttlMs = step.do === 'putFor' ? step.ttlMs : undefined;
      const ifNoneMatch = step.do === 'putIfNone' ? '*' : undefined;
      const result = await store.submit(put(step.key, 'p', { ttlMs, ifNoneMatch }));
      return result.kind === 'written' ? result.version : 0;
    }
    default:
      return unreachable(step);
  }
}

interface Watched {
  readonly key: string;
  readonly sights: Sight[];
  /** Versions that writes have given since the watch began. */
  readonly given: number[];
  readonly end: () => void;
  hasEnded: boolean;
}

function watchOf(store: CommandStore, watchedKey: string): Watched {
  const sights: Sight[] = [];
  const read = { op: 'get', namespace, key: watchedKey } as const;
  const end = store.watch(read, (sight) => sights.push(sight));
  return { key: watchedKey, sights, given: [], end, hasEnded: false };
}

const versionIn = (sight: Sight | undefined): number =>
  sight?.kind === 'entry' ? sight.version : 0;

class Run {
  readonly #engine: SimulatedEngine;
  /** Tasks that each thread to die carries out before. */
  readonly #deaths: number[];
  /** A shard that dies again and again is given up. */
  #deathsLeft = 2;
  /** A look may be lost with its thread, and the next one may see a later version. */
  #haveDied = false;
  readonly #watched: Watched[] = [];
  readonly #underWay: Promise<void>[] = [];

  private constructor(engine: SimulatedEngine, deaths: number[]) {
    this.#engine = engine;
    this.#deaths = deaths;
  }

  static async open(): Promise<Run> {
    const deaths: number[] = [];
    const onTask = (thread: SimulatedThread, task: keyof ShardTasks): void => {
      if (task === 'batch' && deaths.length > 0) thread.die(deaths.shift());
    };
    const engine = await SimulatedEngine.open(new MemoryFileSystem(), { fsync: 'always', onTask });
    return new Run(engine, deaths);
  }

  async do(step: Step | Passing | Death): Promise<void> {
    const { store } = this.#engine;
    switch (step.do) {
      case 'watch':
        this.#watched.push(watchOf(store, step.key));
        return;
      case 'leave': {
        const left = this.#watched[step.which];
        left?.end();
        if (left !== undefined) left.hasEnded = true;
        return;
      }
      case 'turn':
        await this.#engine.endTurn();
        return;
      case 'tick':
        await this.#engine.tick(step.ms);
        return;
      case 'die':
        this.#haveDied = true;
        if (this.#deathsLeft > 0) this.#deaths.push(...step.done);
        this.#deathsLeft -= step.done.length;
        return;
      case 'append':
      case 'delete':
      case 'flush':
      case 'put':
      case 'putFor':
      case 'putIfNone':
      case 'transact':
        this.#underWay.push(this.#write(step));
    }
  }

  async #write(step: Step): Promise<void> {
    const watching = this.#watched.filter(({ key: each }) => 'key' in step && step.key === each);
    const version = await carryOut(this.#engine.store, step);
    if (version === 0) return;
    for (const { given, hasEnded } of watching) if (!hasEnded) given.push(version);
  }

  /** Lets all end, and gives a line for each sight that is missing or wrong. */
  async faults(): Promise<string[]> {
    const engine = this.#engine;
    this.#deaths.length = 0;
    await engine.until(Promise.all(this.#underWay), () => engine.tick(), 300);
    // Looks that were refused are tried again within a second.
    for (let count = 0; count < 40; count++) {
      await engine.tick();
      await engine.endTurn();
    }
    const faults: string[] = [];
    for (const watched of this.#watched) faults.push(...(await this.#faultsOf(watched)));
    return faults;
  }

  async #faultsOf({ key: each, sights, given, hasEnded }: Watched): Promise<string[]> {
    const versions = sights.map(versionIn);
    const unseen = this.#haveDied ? [] : given.filter((version) => !versions.includes(version));
    const faults = unseen.map((version) => `${each}: version ${version} was not seen`);
    if (sights.slice(1).some(({ kind }) => kind === 'refused')) faults.push(`${each}: a refusal`);
    // A watch that was refused has ended, too.
    if (hasEnded || sights[0]?.kind === 'refused') return faults;
    const present = await this.#engine.until(this.#engine.store.submit(get(each)));
    if (present?.kind !== 'entry' && present?.kind !== 'missing') return [...faults, 'no read'];
    const [last, now] = [versions.at(-1), versionIn(present)];
    return last === now ? faults : [...faults, `${each}: saw ${last} last, and it is ${now}`];
  }
}

test('every acknowledged version is seen, and the last sight is the present state', async () => {
  const script = fc.array(fc.oneof(...writes, ...passing), { maxLength: 60 });
  const property = fc.asyncProperty(script, async (steps) => {
    const run = await Run.open();
    for (const step of steps) await run.do(step);
    expect(await run.faults()).toEqual([]);
  });
  await fc.assert(property, { numRuns: 150 });
}, 120_000);

test('the last sight is the present state even if threads die in between', async () => {
  const script = fc.array(fc.oneof(...writes, ...passing, death), { maxLength: 60 });
  const property = fc.asyncProperty(script, async (steps) => {
    const run = await Run.open();
    for (const step of steps) await run.do(step);
    expect(await run.faults()).toEqual([]);
  });
  await fc.assert(property, { numRuns: 150 });
}, 120_000);

/** Ends turns until each watcher has seen its entry once: so many reads wait for their turns. */
async function untilSeen(engine: SimulatedEngine, watched: readonly Watched[]): Promise<void> {
  for (let turn = 0; turn < 200; turn++) {
    await engine.tick();
    await engine.endTurn();
    if (watched.every(({ sights }) => sights.length > 0)) return;
  }
  throw new Error('some watcher sees nothing');
}

test('5,000 watchers of one entry cost its shard one look a change', async () => {
  const engine = await SimulatedEngine.open(new MemoryFileSystem(), { fsync: 'never' });
  const { store } = engine;
  const watched = Array.from({ length: 5000 }, () => watchOf(store, 'a'));
  await untilSeen(engine, watched);
  const operations = (): number =>
    store.status().shards.reduce((sum, { batchOperations }) => sum + batchOperations.sum, 0);
  const before = operations();
  await engine.until(store.submit(put('a', 'x')));
  await engine.settle();
  expect(watched.every(({ sights }) => sights.at(-1)?.kind === 'entry')).toBe(true);
  expect(operations() - before).toBe(2);
});

test('waiting costs no shard any work', async () => {
  const engine = await SimulatedEngine.open(new MemoryFileSystem(), { fsync: 'never' });
  const { store } = engine;
  const watched = Array.from({ length: 5000 }, (_, index) => watchOf(store, `key ${index}`));
  await untilSeen(engine, watched);
  const operations = (): number =>
    store.status().shards.reduce((sum, { batchOperations }) => sum + batchOperations.count, 0);
  const before = operations();
  for (let count = 0; count < 100; count++) {
    await engine.tick();
    await engine.endTurn();
  }
  expect(operations()).toBe(before);
});
