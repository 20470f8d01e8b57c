import { describe, expect, test } from 'vitest';
import { StoreError } from '../../src/base/errors.ts';
import { taskMaxMs } from '../../src/base/limits.ts';
import {
  answerTask,
  type BackupTasks,
  type BeginBackupTask,
} from '../../src/protocol/shard-task.ts';
import { BackupRunner } from '../../src/router/backup-runner.ts';
import type { TaskThread } from '../../src/router/task-thread.ts';

const task: BeginBackupTask = { parts: [], at: 1, createdAt: 2 };
const cut = async (): Promise<BeginBackupTask> => task;

/** Gives three pieces, or fails in the place of one. */
class StagedThread implements TaskThread<BackupTasks> {
  destroyed = 0;
  /** It takes tasks and answers none. */
  hangs = false;
  #endHanging: (() => void) | undefined;
  failAt = Infinity;
  #given = 0;

  async run<Name extends keyof BackupTasks>(name: Name): Promise<BackupTasks[Name][1]> {
    if (this.hangs) await new Promise<void>((resolve) => (this.#endHanging = resolve));
    if (this.destroyed > 0) throw new Error('the thread has exited');
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

function runnerOver(...threads: StagedThread[]): BackupRunner {
  const left = [...threads];
  return new BackupRunner(() => left.shift() ?? new StagedThread());
}

async function readAll(pieces: AsyncIterable<Uint8Array>): Promise<number[]> {
  const read: number[] = [];
  for await (const piece of pieces) read.push(...piece);
  return read;
}

describe('a backup that is run', () => {
  test('is read to its end, and its thread is gone then', async () => {
    const thread = new StagedThread();
    const runner = runnerOver(thread);
    const pieces = await runner.begin(cut);
    expect(await readAll(pieces)).toEqual([1, 2, 3]);
    expect(thread.destroyed).toBe(1);
    expect(await pieces.next()).toEqual({ done: true, value: undefined });
    expect(await readAll(await runner.begin(cut))).toEqual([1, 2, 3]);
  });

  test('is given up where its thread hangs before it has its files open, and the next one goes on', async () => {
    const thread = new StagedThread();
    thread.hangs = true;
    const runner = runnerOver(thread);
    const beginning = runner.begin(cut);
    const failed = beginning.then(
      () => 'began',
      (error: unknown) => String(error),
    );
    for (let ms = 0; ms <= taskMaxMs; ms += 50) {
      // oxlint-disable-next-line no-await-in-loop -- as the housekeeper ticks
      await Promise.resolve();
      runner.tick(50);
    }
    expect(await failed).toMatch(/exited/);
    expect(thread.destroyed).toBe(1);
    expect(await readAll(await runner.begin(cut))).toEqual([1, 2, 3]);
  });

  test('keeps others out, from the cut to the end', async () => {
    const runner = runnerOver();
    const beginning = runner.begin(cut);
    await expect(runner.begin(cut)).rejects.toMatchObject({ code: 'OVERLOADED' });
    const pieces = await beginning;
    await expect(runner.begin(cut)).rejects.toMatchObject({ retryAfterMs: 10_000 });
    await pieces.return?.();
    await expect(runner.begin(cut)).resolves.toBeDefined();
  });

  test('that nobody reads to its end lets its thread go', async () => {
    const thread = new StagedThread();
    for await (const piece of await runnerOver(thread).begin(cut)) {
      if (piece[0] === 2) break;
    }
    expect(thread.destroyed).toBe(1);
    const unread = new StagedThread();
    await (await runnerOver(unread).begin(cut)).return?.();
    expect(unread.destroyed).toBe(1);
  });

  test('that fails says so and makes room for the next', async () => {
    const threads = [new StagedThread(), new StagedThread()] as const;
    [threads[0].failAt, threads[1].failAt] = [0, 2];
    const runner = runnerOver(...threads);
    await expect(runner.begin(cut)).rejects.toThrow('a damaged file');
    await expect(readAll(await runner.begin(cut))).rejects.toThrow('a damaged file');
    expect(threads.map(({ destroyed }) => destroyed)).toEqual([1, 1]);
    const failing = Promise.reject(new Error('no cut'));
    await expect(runner.begin(() => failing)).rejects.toThrow('no cut');
    expect(await readAll(await runner.begin(cut))).toEqual([1, 2, 3]);
  });

  test('that is ended from outside does not look whole', async () => {
    const runner = runnerOver();
    const pieces = await runner.begin(cut);
    await pieces.next();
    await runner.close();
    await expect(pieces.next()).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    await runner.close();
  });
});
