import { beforeEach, describe, expect, test } from 'vitest';
import { TimestampClock } from '../../../src/base/clock.ts';
import { StoreError } from '../../../src/base/errors.ts';
import { taskMaxMs } from '../../../src/base/limits.ts';
import type { ShardLocation } from '../../../src/base/shard-location.ts';
import { answerTask, type BackupTasks } from '../../../src/protocol/shard-task.ts';
import { Backups } from '../../../src/router/background/backups.ts';
import { CompactionScheduler } from '../../../src/router/background/compaction-scheduler.ts';
import { Sequencer } from '../../../src/router/sequencer.ts';
import type { TaskThread } from '../../../src/router/threads/task-thread.ts';
import { ManualClock } from '../../support/simulated/manual-clock.ts';
import { refused, StagedQueue, untilIdle } from '../../support/simulated/staged-queue.ts';

/** A scheduler that says whether compactions are held off. */
class WatchedCompactions extends CompactionScheduler {
  areHeld = false;

  override async whileHeld<T>(work: () => Promise<T>): Promise<T> {
    this.areHeld = true;
    try {
      return await super.whileHeld(work);
    } finally {
      this.areHeld = false;
    }
  }
}

let queues: [StagedQueue, StagedQueue];
let compactions: WatchedCompactions;
/** For each cut of a shard and each task of a thread: whether compactions were held off. */
let held: string[];

function noteHeld(what: string): void {
  held.push(`${what}: ${compactions.areHeld}`);
}

beforeEach(() => {
  queues = [new StagedQueue(0), new StagedQueue(1)];
  held = [];
  for (const queue of queues) {
    queue.answerAtOnce = () => {
      noteHeld(`cut of ${queue.shard}`);
      return { kind: 'cut', parcel: { content: `sealed in ${queue.shard}` } };
    };
  }
  compactions = new WatchedCompactions([], {
    compactJournalBytes: 1,
    monotonicMs: () => 0,
    newThread: () => {
      throw new Error('nothing is compacted here');
    },
    onFailure: () => {},
  });
});

/** Gives three pieces, or fails in place of one. */
class StagedThread implements TaskThread<BackupTasks> {
  destroyed = 0;
  /** True: takes tasks and answers none. */
  hangs = false;
  #endHanging: (() => void) | undefined;
  failAt = Infinity;
  begun: BackupTasks[keyof BackupTasks][0];
  #given = 0;

  async run<Name extends keyof BackupTasks>(
    name: Name,
    task: BackupTasks[Name][0],
  ): Promise<BackupTasks[Name][1]> {
    noteHeld(name);
    if (this.hangs) await new Promise<void>((resolve) => (this.#endHanging = resolve));
    if (this.destroyed > 0) throw new Error('the thread has exited');
    if (name === 'begin') this.begun = task;
    const answer = answerTask(() => {
      if (this.#given >= this.failAt) throw new StoreError('STORE_DAMAGED', 'a damaged file');
      if (name === 'begin' || this.#given === 3) return undefined;
      this.#given += 1;
      return new Uint8Array([this.#given]);
    });
    return answer;
  }

  async destroy(): Promise<void> {
    this.destroyed += 1;
    this.#endHanging?.();
  }
}

const locations = [0, 1].map((shard): ShardLocation => {
  const name = `shard-000${shard}`;
  return { folder: `/data/${name}`, name, identity: { store: 'store', shard } };
});

/** @param threads the first threads to start, in this order; any number of others follows */
function backupsWith(...threads: StagedThread[]): Backups {
  const left = [...threads];
  const clock = new ManualClock(2000);
  return new Backups({
    sequencer: new Sequencer(queues, new TimestampClock(clock)),
    compactions,
    locations,
    timestamp: () => 1000,
    wallMs: () => clock.wallMs(),
    newThread: () => left.shift() ?? new StagedThread(),
  });
}

async function readAll(pieces: AsyncIterable<Uint8Array>): Promise<number[]> {
  const read: number[] = [];
  for await (const piece of pieces) read.push(...piece);
  return read;
}

describe('a backup', () => {
  test('is read to its end, and its thread is gone then', async () => {
    const thread = new StagedThread();
    const backups = backupsWith(thread);
    const pieces = await backups.take();
    expect(await readAll(pieces)).toEqual([1, 2, 3]);
    expect(thread.destroyed).toBe(1);
    expect(await pieces.next()).toEqual({ done: true, value: undefined });
    expect(await readAll(await backups.take())).toEqual([1, 2, 3]);
  });

  test('gives its thread the location and the cut of every shard, all of one moment', async () => {
    const thread = new StagedThread();
    await backupsWith(thread).take();
    expect(thread.begun).toEqual({
      parts: locations.map((location, shard) => {
        return { ...location, input: { content: `sealed in ${shard}` } };
      }),
      at: 1000,
      createdAt: 2000,
    });
  });

  test('of one namespace gives its thread the name, too', async () => {
    const thread = new StagedThread();
    await backupsWith(thread).take({ namespace: 'app' });
    expect(thread.begun).toMatchObject({ namespace: 'app', at: 1000, createdAt: 2000 });
  });

  test('holds compactions off from the cut until its thread has the files open', async () => {
    const backups = backupsWith();
    expect(await readAll(await backups.take())).toEqual([1, 2, 3]);
    const [first, second, begin, ...pieces] = held;
    expect([first, second, begin]).toEqual(['cut of 0: true', 'cut of 1: true', 'begin: true']);
    expect(new Set(pieces)).toEqual(new Set(['next: false']));
  });

  test('is not begun while a shard does not serve, and the next one goes on', async () => {
    const thread = new StagedThread();
    const backups = backupsWith(thread);
    const answerCut = queues[1].answerAtOnce;
    queues[1].answerAtOnce = () => refused('not-applied');
    await expect(backups.take()).rejects.toMatchObject({ code: 'SHARD_UNAVAILABLE' });
    expect([compactions.areHeld, held]).toEqual([false, ['cut of 0: true']]);
    queues[1].answerAtOnce = answerCut;
    expect(await readAll(await backups.take())).toEqual([1, 2, 3]);
    expect(thread.destroyed).toBe(1);
  });

  test('is given up if its thread hangs before it has its files open, and the next one goes on', async () => {
    const thread = new StagedThread();
    thread.hangs = true;
    const backups = backupsWith(thread);
    const beginning = backups.take();
    const failed = beginning.then(
      () => 'began',
      (error: unknown) => String(error),
    );
    await untilIdle();
    for (let ms = 0; ms < taskMaxMs; ms += 50) {
      expect(thread.destroyed).toBe(0);
      backups.tick(50);
    }
    expect(await failed).toMatch(/exited/);
    expect(thread.destroyed).toBe(1);
    expect(await readAll(await backups.take())).toEqual([1, 2, 3]);
  });

  test('keeps others out, from the cut to the end', async () => {
    const backups = backupsWith();
    const beginning = backups.take();
    await expect(backups.take()).rejects.toMatchObject({ code: 'OVERLOADED' });
    const pieces = await beginning;
    await expect(backups.take()).rejects.toMatchObject({ retryAfterMs: 10_000 });
    await pieces.return?.();
    await expect(backups.take()).resolves.toBeDefined();
  });

  test('that is not read to its end lets its thread go', async () => {
    const thread = new StagedThread();
    for await (const piece of await backupsWith(thread).take()) {
      if (piece[0] === 2) break;
    }
    expect(thread.destroyed).toBe(1);
    const unread = new StagedThread();
    await (await backupsWith(unread).take()).return?.();
    expect(unread.destroyed).toBe(1);
  });

  test('that fails says so and makes room for the next', async () => {
    const threads = [new StagedThread(), new StagedThread()] as const;
    [threads[0].failAt, threads[1].failAt] = [0, 2];
    const backups = backupsWith(...threads);
    await expect(backups.take()).rejects.toThrow('a damaged file');
    await expect(readAll(await backups.take())).rejects.toThrow('a damaged file');
    expect(threads.map(({ destroyed }) => destroyed)).toEqual([1, 1]);
    expect(await readAll(await backups.take())).toEqual([1, 2, 3]);
  });

  test('that is ended from outside does not look whole', async () => {
    const backups = backupsWith();
    const pieces = await backups.take();
    await pieces.next();
    await backups.close();
    await expect(pieces.next()).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    await backups.close();
  });
});
