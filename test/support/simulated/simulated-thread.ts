// A simulated thread of a shard: the same tasks, on files in memory, when the test says so.
import type { Clock } from '../../../src/base/clock.ts';
import type { ShardTasks } from '../../../src/protocol/shard-task.ts';
import type { TaskThread } from '../../../src/router/threads/task-thread.ts';
import { shardTasks, type ShardTaskHandlers } from '../../../src/shard/tasks/shard-tasks.ts';
import type { FileSystem } from '../../../src/storage/file-system.ts';

interface Sent {
  readonly run: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class SimulatedThread implements TaskThread<ShardTasks> {
  /** While true, tasks wait in the thread's inbox. */
  isHeld = false;
  isDestroyed = false;
  readonly #newTasks: () => ShardTaskHandlers;
  #tasks: ShardTaskHandlers;
  readonly #inbox: Sent[] = [];

  constructor(fileSystem: FileSystem, clock: Clock, reserveBytesMin?: number) {
    const reserve = reserveBytesMin === undefined ? {} : { reserveBytesMin };
    this.#newTasks = () => shardTasks({ fileSystem, clock, ...reserve });
    this.#tasks = this.#newTasks();
  }

  get inboxLength(): number {
    return this.#inbox.length;
  }

  run<Name extends keyof ShardTasks>(
    name: Name,
    task: ShardTasks[Name][0],
  ): Promise<ShardTasks[Name][1]> {
    if (this.isDestroyed) return Promise.reject(new Error('the thread has exited'));
    return new Promise((resolve, reject) => {
      this.#inbox.push({
        run: () => this.#tasks[name](task),
        resolve: resolve as (value: unknown) => void,
        reject,
      });
      if (!this.isHeld) queueMicrotask(() => this.work());
    });
  }

  /** Carries out all tasks in the inbox, or the first `count` of them. */
  work(count = Infinity): void {
    for (let done = 0; done < count; done++) {
      const next = this.#inbox.shift();
      if (next === undefined) return;
      try {
        next.resolve(next.run());
      } catch (error) {
        next.reject(error as Error);
      }
    }
  }

  /** Carries out the tasks in the inbox, and later ones at once. */
  release(): void {
    this.isHeld = false;
    this.work();
  }

  /** Dies as a thread does: rejects every task without an answer, done or not. */
  die(alreadyDone = 0, error = new Error('the thread died')): void {
    const inbox = this.#inbox.splice(0);
    for (const { run } of inbox.slice(0, alreadyDone)) run();
    this.#tasks = this.#newTasks();
    for (const { reject } of inbox) reject(error);
  }

  async destroy(): Promise<void> {
    this.isDestroyed = true;
    this.die();
  }
}
