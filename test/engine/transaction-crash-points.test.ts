// Transactions over two shards of a whole engine. A test kills it, cuts its power or ends a thread
// at every single place. The next start finds all of each transaction or nothing, and every
// acknowledged one.
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

/** Time limit of tests that run the engine some thousand times on a busy machine, in milliseconds. */
const slow = 300_000;

const modes = ['always', 'interval', 'never'] as const;

type Values = Readonly<Record<string, string>>;

/** The state after each transaction. `b` and `c` are in the first shard, `a` and `d` in the second. */
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
  const decided = engine.store.transact(names, () => ({ output: undefined, changes }));
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
  /** The last acknowledged state, and the states that the next start may find instead. */
  readonly allowed: readonly Values[];
}

/**
 * Makes a store in the first state. Transactions lead to the second and the third, with faults in
 * between.
 *
 * @param ready called once the store is in the first state
 * @param tickAt turns of each transaction with housekeeping, and so with a compaction
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

/** Checks the state after the next start, and again after compactions and one more start. */
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

/** Runs once for each call into the file system. That call fails, and so do all calls after it. */
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
    // The last outcome may still be in flight.
    await refusalOf(engine.until(engine.store.close()));
    heal(files);
    await check(fatal, files, progress);
    if (counted.calls < fatal) return fatal;
  }
}

/** Without compactions; and with a compaction of each shard at each turn of a transaction. */
const ticks: readonly (readonly number[])[] = [
  [],
  ...Array.from({ length: 4 }, (_, turn) => [turn, turn + 1]),
];

/** Apart from syncs, the other modes do the same as `always`: they share every second tick. */
const ticksIn = (fsync: FsyncMode) =>
  ticks.filter((_, index) => fsync === 'always' || index === 0 || index === tickOf[fsync]);
const tickOf = { interval: 2, never: 4 } as const;

/** Number of faults of each kind, for the output of the tests. */
const staged = new Map<string, number>();
afterAll(() => console.info(`staged: ${JSON.stringify(Object.fromEntries(staged))}`));

function countStaged(fault: string, count: number): void {
  staged.set(fault, (staged.get(fault) ?? 0) + count);
}

describe.each(modes)('in %s,', (fsync) => {
  test('undisturbed, every transaction is committed, and compactions run meanwhile', async () => {
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
          // Each tick may mend the shard, which must happen first.
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

/** Ends the thread that gets the nth of all tasks. */
class ThreadDeaths {
  readonly #fatal: number;
  readonly #done: number;
  #tasks = 0;
  #isCounting = false;

  /** @param done number of tasks that the dying thread still carries out without an answer */
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
      // Blanks at the end of a journal would be room for the start, so remove them.
      const text = path.endsWith('.ndjson') ? content.replace(/ +\n$/, '') : content;
      files.put(path, Buffer.from(text, 'latin1'));
    }
    files.capacityBytes = usedBytes(files);
    const engine = await SimulatedEngine.open(files, { fsync });
    expect([left.state, await valuesOfAll(engine)]).toEqual([left.state, servedAfter(left)]);
  }
});

/** Apart from syncs, the other modes do the same as `always`: they take turns. */
const startModes = leftTransactions.map((left, index) => {
  const modesOf: readonly FsyncMode[] = ['always', index % 2 === 0 ? 'interval' : 'never'];
  return { left, state: left.state, modesOf };
});

describe.each(startModes)('a start that finds a transaction cut short ($state),', (start) => {
  const { left, modesOf } = start;

  async function expectDecided(
    fatal: number,
    files: MemoryFileSystem,
    fsync: FsyncMode,
  ): Promise<void> {
    const engine = await SimulatedEngine.open(files, { fsync });
    expect([fatal, await valuesOfAll(engine)]).toEqual([fatal, servedAfter(left)]);
  }

  test.each(modesOf)(
    'killed at any call in %s, is followed by one that decides the same',
    async (fsync) => {
      const { fileSystem: kept } = leaveTransaction(left, '/data', fsync);
      for (let fatal = 1, isOver = false; !isOver; fatal++) {
        // A power cut needs to know what is synced, which a copy does not.
        const files =
          fsync === 'always' ? leaveTransaction(left, '/data', fsync).fileSystem : kept.copy();
        const counted = cutAt(files, fatal);
        const refusal = await refusalOf(SimulatedEngine.open(files, { fsync }));
        isOver = counted.calls < fatal;
        expect([fatal, refusal === undefined]).toEqual([fatal, isOver]);
        heal(files);
        await expectDecided(fatal, files.copy(), fsync);
        // Outside `always` a power cut may also take the writes beside the transaction.
        if (fsync !== 'always') continue;
        await expectDecided(fatal, files.afterPowerCut(seededRandom(fatal)), fsync);
      }
    },
  );
});
