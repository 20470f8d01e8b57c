// Transactions over two shards of a whole engine, which is killed, loses power or loses a thread at
// every single place: what is found then is all of each or nothing, and all that was answered.
import { afterAll, describe, expect, test } from 'vitest';
import type { FsyncMode } from '../../src/base/fsync-mode.ts';
import { byteStringOfText } from '../../src/base/byte-string.ts';
import { cutAt, failAt, heal } from '../support/disk/faults.ts';
import {
  leaveTransaction,
  leftTransactions,
  servedAfter,
} from '../support/disk/left-transactions.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { seededRandom } from '../support/random.ts';
import { SimulatedEngine } from '../support/simulated/simulated-engine.ts';
import type { SimulatedThread } from '../support/simulated/simulated-thread.ts';
import { listOf, put, textOf } from '../support/stores/operations.ts';

/** Of tests that run the engine some thousand times, on a busy machine, in milliseconds. */
const slow = 300_000;

const modes = ['always', 'interval', 'never'] as const;

type Values = Readonly<Record<string, string>>;

/** `b` and `c` are in the first shard, `a` and `d` in the second. Each is what stands in the end. */
const states: readonly Values[] = [
  { a: '1', b: '1', c: '1' },
  { a: '2', b: '2', d: '2' },
  { a: '3', b: '3', c: '3' },
];
const names = ['a', 'b', 'c', 'd'].map((key) => ({
  namespace: 'default',
  key: byteStringOfText(key),
}));

async function become(engine: SimulatedEngine, values: Values, between?: Between) {
  const changes = names.map(({ key }) => {
    const value = values[key];
    return value === undefined ? 'delete' : { value: Buffer.from(value), expiresAt: undefined };
  });
  const decided = engine.store.transact(names, () => ({ outcome: undefined, changes }));
  return await engine.until(decided, between, 12);
}

type Between = (turn: number) => Promise<void> | void;

async function valuesIn(engine: SimulatedEngine): Promise<Values> {
  const results = await engine.until(engine.store.getMany(names));
  const values = (results ?? []).map(textOf);
  const found = names.flatMap(({ key }, index) => {
    const value = values[index];
    return value === undefined ? [] : [[key, value] as const];
  });
  return Object.fromEntries(found);
}

async function valuesOfAll(engine: SimulatedEngine): Promise<Values> {
  const page = await engine.until(engine.store.list(listOf({ includeValues: true })));
  const values = (page?.items ?? []).map(({ key, value }) => {
    return [key, Buffer.from(value ?? []).toString()] as const;
  });
  return Object.fromEntries(values);
}

function usedBytes(files: MemoryFileSystem): number {
  return [...files.contents().values()].reduce((sum, { length }) => sum + length, 0);
}

interface Progress {
  /** The state that was last said to stand, and those that may stand instead. */
  readonly allowed: readonly Values[];
}

/**
 * A store in the first state, which becomes the second and the third, with something in between.
 *
 * @param ready called once the first state stands
 * @param tickAt in which turns of each transaction there is housekeeping, and so a compaction
 */
async function run(
  engine: SimulatedEngine,
  ready: () => void,
  tickAt: readonly number[],
): Promise<Progress> {
  await become(engine, states[0] ?? {});
  ready();
  const between = async (turn: number): Promise<void> => {
    if (tickAt.includes(turn)) await engine.tick();
  };
  let allowed = states.slice(0, 1);
  for (const next of states.slice(1)) {
    const result = await become(engine, next, between);
    if (result?.kind === 'committed') {
      allowed = [next];
    } else {
      const outcome = result === undefined ? 'unknown' : result.error.outcome;
      if (outcome === 'unknown') allowed = [...allowed, next];
      return { allowed };
    }
    if (next === states.at(-1)) break;
    await engine.until(engine.store.submitAll([put('x', '1'), put('y', '1')]), between, 12);
  }
  return { allowed };
}

async function reopened(files: MemoryFileSystem, fsync: FsyncMode): Promise<SimulatedEngine> {
  return await SimulatedEngine.open(files, { fsync, compactJournalBytes: 1 });
}

/** What is served after the next start, and again after compactions and one more start. */
async function expectAllowed(
  where: unknown,
  files: MemoryFileSystem,
  fsync: FsyncMode,
  { allowed }: Progress,
): Promise<void> {
  const engine = await reopened(files, fsync);
  const found = await valuesIn(engine);
  expect([where, allowed]).toEqual([where, expect.arrayContaining([found])]);
  for (let compaction = 0; compaction < 2; compaction++) await engine.tick();
  expect([where, await valuesIn(engine)]).toEqual([where, found]);
  expect([where, await valuesIn(await reopened(files, fsync))]).toEqual([where, found]);
}

async function refusalOf(opening: Promise<unknown>): Promise<string | undefined> {
  try {
    await opening;
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

/** Runs once for each call into the file system, which fails, as do all behind it. */
async function atEachCall(
  fsync: FsyncMode,
  tickAt: readonly number[],
  check: (fatal: number, files: MemoryFileSystem, progress: Progress) => Promise<void>,
): Promise<number> {
  for (let fatal = 1; ; fatal++) {
    const files = new MemoryFileSystem();
    const engine = await reopened(files, fsync);
    let counted = { calls: 0 };
    const begin = (): void => void (counted = cutAt(files, fatal));
    const progress = await run(engine, begin, tickAt);
    // The last decision may still be on its way.
    await refusalOf(engine.until(engine.store.close()));
    heal(files);
    await check(fatal, files, progress);
    if (counted.calls < fatal) return fatal;
  }
}

/** Without compactions, and with one of each shard begun at each turn of a transaction. */
const ticks: readonly (readonly number[])[] = [
  [],
  ...Array.from({ length: 4 }, (_, turn) => [turn, turn + 1]),
];

/** All where everything is synced. The other modes do the same but for syncs, and take every other. */
const ticksIn = (fsync: FsyncMode) =>
  ticks.filter((_, index) => fsync === 'always' || index % 2 === 0);

/** How often each kind of fault was staged, for the output of the tests. */
const staged = new Map<string, number>();
afterAll(() => console.info(`staged: ${JSON.stringify(Object.fromEntries(staged))}`));

function countStaged(fault: string, count: number): void {
  staged.set(fault, (staged.get(fault) ?? 0) + count);
}

describe.each(modes)('in %s,', (fsync) => {
  test('undisturbed, every transaction is committed, and compactions are made on the way', async () => {
    for (const tickAt of ticks) {
      const files = new MemoryFileSystem();
      const engine = await reopened(files, fsync);
      const progress = await run(engine, () => undefined, tickAt);
      expect(progress.allowed).toEqual([states[2]]);
      const { completed, failed } = engine.store.status().compactions;
      expect([tickAt, failed, completed > 0]).toEqual([tickAt, 0, tickAt.length > 0]);
    }
  });

  test(
    'killed at any call, all or nothing is found, and all that was committed',
    async () => {
      for (const tickAt of ticksIn(fsync)) {
        const calls = await atEachCall(fsync, tickAt, async (fatal, files, progress) => {
          await expectAllowed([tickAt, fatal], files.copy(), fsync, progress);
        });
        countStaged('kills', calls);
        expect(calls).toBeGreaterThan(10);
      }
    },
    slow,
  );

  test(
    'with the power cut at any call, all or nothing is found, and all that was committed',
    async () => {
      for (const tickAt of ticksIn(fsync)) {
        const calls = await atEachCall(fsync, tickAt, async (fatal, files, progress) => {
          const cut = files.afterPowerCut(seededRandom(fatal));
          await expectAllowed([tickAt, fatal], cut, fsync, progress);
        });
        countStaged('power cuts', calls);
      }
    },
    slow,
  );

  test(
    'with one call that fails, all or nothing is served, now and after a restart',
    async () => {
      for (const tickAt of ticksIn(fsync)) {
        for (let fatal = 1, isReached = true; isReached; fatal++) {
          const files = new MemoryFileSystem();
          const engine = await reopened(files, fsync);
          let counted = { calls: 0 };
          const begin = (): void => void (counted = failAt(files, fatal));
          const { allowed } = await run(engine, begin, tickAt);
          isReached = counted.calls >= fatal;
          countStaged('failing calls', 1);
          // The shard may have to be mended first.
          for (let tick = 0; tick < 3; tick++) {
            await engine.tick(1000);
            await engine.endTurn();
          }
          const served = await valuesIn(engine);
          expect([tickAt, fatal, allowed]).toEqual([
            tickAt,
            fatal,
            expect.arrayContaining([served]),
          ]);
          await expectAllowed([tickAt, fatal], files.copy(), fsync, { allowed: [served] });
        }
      }
    },
    slow,
  );

  test.each(['before', 'after'] as const)(
    'with a thread that dies %s any task, all or nothing is served, before and after a restart',
    async (when) => {
      for (const tickAt of ticksIn(fsync)) {
        for (let fatal = 1, isReached = true; isReached; fatal++) {
          const files = new MemoryFileSystem();
          const deaths = new ThreadDeaths(fatal, when === 'before' ? 0 : 1);
          const options = { fsync, compactJournalBytes: 1, onTask: deaths.onTask };
          const engine = await SimulatedEngine.open(files, options);
          const progress = await run(engine, () => deaths.begin(), tickAt);
          isReached = deaths.isReached;
          countStaged('dying threads', 1);
          const where = [tickAt, when, fatal];
          const served = await valuesIn(engine);
          expect([where, progress.allowed]).toEqual([where, expect.arrayContaining([served])]);
          await expectAllowed(where, files.copy(), fsync, { allowed: [served] });
        }
      }
    },
    slow,
  );
});

/** Has a thread die over the nth task that any thread is given. */
class ThreadDeaths {
  readonly #fatal: number;
  readonly #done: number;
  #tasks = 0;
  #isCounting = false;

  /** @param done of the tasks that the thread has not answered */
  constructor(fatal: number, done: number) {
    this.#fatal = fatal;
    this.#done = done;
  }

  get isReached(): boolean {
    return this.#tasks >= this.#fatal;
  }

  begin(): void {
    this.#isCounting = true;
  }

  readonly onTask = (thread: SimulatedThread): void => {
    if (!this.#isCounting) return;
    this.#tasks += 1;
    if (this.#tasks === this.#fatal) thread.die(this.#done);
  };
}

test.each(modes)('in %s, a start on a full disk decides, on the reserve', async (fsync) => {
  for (const left of leftTransactions) {
    const { fileSystem: files } = leaveTransaction(left, '/data', fsync);
    for (const [path, content] of files.contents()) {
      // No room is made ahead in them that a start would find.
      const text = path.endsWith('.ndjson') ? content.replace(/ +\n$/, '') : content;
      files.put(path, Buffer.from(text, 'latin1'));
    }
    files.capacityBytes = usedBytes(files);
    const engine = await SimulatedEngine.open(files, { fsync });
    expect([left.state, await valuesOfAll(engine)]).toEqual([left.state, servedAfter(left)]);
  }
});

describe.each(leftTransactions)('a start that finds a store where $state,', (left) => {
  async function expectDecided(
    fatal: number,
    files: MemoryFileSystem,
    fsync: FsyncMode,
  ): Promise<void> {
    const engine = await SimulatedEngine.open(files, { fsync });
    expect([fatal, await valuesOfAll(engine)]).toEqual([fatal, servedAfter(left)]);
  }

  test.each(modes)(
    'killed at any call in %s, is followed by one that decides the same',
    async (fsync) => {
      for (let fatal = 1, isOver = false; !isOver; fatal++) {
        const { fileSystem: files } = leaveTransaction(left, '/data', fsync);
        const counted = cutAt(files, fatal);
        const refusal = await refusalOf(SimulatedEngine.open(files, { fsync }));
        isOver = counted.calls < fatal;
        expect([fatal, refusal === undefined]).toEqual([fatal, isOver]);
        heal(files);
        await expectDecided(fatal, files.copy(), fsync);
        // Elsewhere a power cut may take what was written beside the transaction.
        if (fsync !== 'always') continue;
        await expectDecided(fatal, files.afterPowerCut(seededRandom(fatal)), fsync);
      }
    },
  );
});
