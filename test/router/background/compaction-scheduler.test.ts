// Decides when a failed compaction is tried again, and when one that hangs is given up.
import { expect, test } from 'vitest';
import { answerTask } from '../../../src/protocol/shard-task.ts';
import { CompactionScheduler } from '../../../src/router/background/compaction-scheduler.ts';
import type { ShardClient } from '../../../src/router/shard/shard-client.ts';

const compactJournalBytes = 1000;

interface CompactorThread {
  run(): Promise<unknown>;
  destroy(): Promise<void>;
}

function threadWithoutRoom(): CompactorThread {
  const full = Object.assign(new Error('no room'), { code: 'ENOSPC' });
  const fail = (): never => {
    throw full;
  };
  return { run: () => Promise.resolve(answerTask(fail)), destroy: () => Promise.resolve() };
}

function doNothing(): void {}

/** Answers nothing; its task rejects once it is ended. */
function hangingThread(): CompactorThread {
  let end = doNothing;
  const run = (): Promise<never> =>
    new Promise((_, reject) => {
      end = () => reject(new Error('the thread was ended'));
    });
  return { run, destroy: () => Promise.resolve(end()) };
}

/** One shard that is due. */
function openScheduler(newThread: () => CompactorThread = threadWithoutRoom) {
  const state = { now: 0, wantsCompaction: false, begun: 0 };
  const client = {
    shard: 0,
    epoch: 1,
    isServing: true,
    get report() {
      const { wantsCompaction } = state;
      const journalBytes = 2 * compactJournalBytes;
      return { journalBytes, snapshotBytes: 0, liveJournals: 1, wantsCompaction };
    },
    beginCompaction: () => {
      state.begun += 1;
      return Promise.resolve({ content: undefined });
    },
    abortCompaction: () => Promise.resolve(),
  };
  const location = { folder: '/shard', name: 'shard', identity: { store: 'store', shard: 0 } };
  const scheduler = new CompactionScheduler(
    [{ client: client as unknown as ShardClient, location }],
    {
      compactJournalBytes,
      monotonicMs: () => state.now,
      newThread: () => newThread() as never,
      onFailure: () => undefined,
    },
  );
  const tickAt = async (now: number): Promise<number> => {
    state.now = now;
    scheduler.tick(0);
    while (scheduler.figures.running > 0) await Promise.resolve();
    return state.begun;
  };
  return { state, scheduler, tickAt };
}

test('a compaction that fails is tried again, later each time', async () => {
  const { tickAt } = openScheduler();
  expect(await tickAt(0)).toBe(1);
  expect(await tickAt(4999)).toBe(1);
  expect(await tickAt(5000)).toBe(2);
  expect(await tickAt(14_999)).toBe(2);
  expect(await tickAt(15_000)).toBe(3);
});

test('a compaction that has room again, and for which puts wait, is tried again soon', async () => {
  const { state, tickAt } = openScheduler();
  await tickAt(0);
  await tickAt(5000);
  await tickAt(15_000);
  state.wantsCompaction = true;
  expect(await tickAt(15_999)).toBe(3);
  expect(await tickAt(16_000)).toBe(4);
  expect(await tickAt(16_999)).toBe(4);
  expect(await tickAt(17_000)).toBe(5);
});

test('one that hangs is given up, and the next one gets another thread', async () => {
  let threads = 0;
  const { state, scheduler } = openScheduler(() => {
    threads += 1;
    return hangingThread();
  });
  const tick = async (elapsedMs: number): Promise<void> => {
    state.now += elapsedMs;
    scheduler.tick(elapsedMs);
    await new Promise(setImmediate);
  };
  const limitMs = 60_000 + (2 * compactJournalBytes) / 500;
  await tick(0);
  await tick(limitMs - 1);
  expect(scheduler.figures).toMatchObject({ running: 1, failed: 0 });
  await tick(1);
  expect(scheduler.figures).toMatchObject({ running: 0, failed: 1 });
  await tick(5000);
  expect([threads, scheduler.figures.running]).toEqual([2, 1]);
});
