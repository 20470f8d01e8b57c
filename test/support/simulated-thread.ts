// A shard's thread without a thread: the same tasks, run on files in memory when the test says so.
import type { Clock } from '../../src/base/clock.ts';
import { decodeBatch } from '../../src/protocol/batch-frame.ts';
import { encodeReply } from '../../src/protocol/reply-frame.ts';
import { answerTask, answerTaskSoon, type ShardTasks } from '../../src/protocol/shard-task.ts';
import type { TaskThread } from '../../src/router/task-thread.ts';
import { Shard } from '../../src/shard/shard.ts';
import type { SnapshotReference } from '../../src/storage/current.ts';
import type { FileSystem } from '../../src/storage/file-system.ts';

interface Sent {
  readonly run: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class SimulatedThread implements TaskThread<ShardTasks> {
  /** While true, tasks wait in the thread's inbox. */
  isHeld = false;
  isDestroyed = false;
  readonly #fileSystem: FileSystem;
  readonly #clock: Clock;
  readonly #inbox: Sent[] = [];
  #shard: Shard | undefined;

  constructor(fileSystem: FileSystem, clock: Clock) {
    this.#fileSystem = fileSystem;
    this.#clock = clock;
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
        run: () => this.#do(name, task),
        resolve: resolve as (value: unknown) => void,
        reject,
      });
      if (!this.isHeld) queueMicrotask(() => this.work());
    });
  }

  /** Does what is in the inbox, or the first so many tasks of it. */
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

  /** Dies as a thread does: what it has not answered is rejected, done or not. */
  die(alreadyDone = 0): void {
    const inbox = this.#inbox.splice(0);
    for (const { run } of inbox.slice(0, alreadyDone)) run();
    this.#shard = undefined;
    for (const { reject } of inbox) reject(new Error('the thread died'));
  }

  async destroy(): Promise<void> {
    this.isDestroyed = true;
    this.die();
  }

  #do<Name extends keyof ShardTasks>(name: Name, task: ShardTasks[Name][0]): unknown {
    const shard = (): Shard => {
      if (this.#shard === undefined) throw new Error('a shard is opened before it is used');
      return this.#shard;
    };
    const handlers: { [Task in keyof ShardTasks]: (task: ShardTasks[Task][0]) => unknown } = {
      open: (options) =>
        answerTask(() => {
          const [fileSystem, clock] = [this.#fileSystem, this.#clock];
          this.#shard = new Shard({ ...options, fileSystem, clock });
          return this.#shard.opened;
        }),
      start: (stamp) => answerTask(() => shard().start(stamp)),
      batch: (frame) => encodeReply(shard().apply(decodeBatch(frame))),
      sync: () => answerTaskSoon(() => shard().syncSoon()),
      beginCompaction: (stamp) =>
        answerTask(() => {
          const content = shard().beginCompaction(stamp);
          return content === undefined ? undefined : { content };
        }),
      takeSnapshot: ({ content }) =>
        answerTask(() => shard().takeSnapshot(content as SnapshotReference)),
      stop: (stamp) => answerTask(() => shard().stop(stamp)),
    };
    return handlers[name](task);
  }
}
