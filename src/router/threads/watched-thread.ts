// Watches one life of a thread, and tells a hung thread from a busy one. A thread hangs if tasks
// are in flight and none was answered for too long. Time is counted in ticks, not by the clock.
// Otherwise a process that was itself stopped would take its threads for dead. Knows no task.
import { slowDiskBytesPerMs, taskMaxMs } from '../../base/limits.ts';
import type { TaskTable, TaskThread } from './task-thread.ts';

export interface TaskOptions {
  /** Bytes that the task may have to read or write; Infinity for no time limit. */
  readonly bytes?: number;
  /** The time limit in milliseconds, for a task that `bytes` does not describe. */
  readonly limitMs?: number;
  /** Buffers of the task that are moved instead of copied. */
  readonly transfer?: readonly ArrayBuffer[];
}

export class WatchedThread<Tasks extends TaskTable<Tasks>> {
  readonly #thread: TaskThread<Tasks>;
  /** Time limit of each task in flight, in milliseconds. */
  readonly #limits: number[] = [];
  #silentMs = 0;
  #hasHung = false;

  constructor(thread: TaskThread<Tasks>) {
    this.#thread = thread;
  }

  /** See `TaskThread.run`. */
  async run<Name extends keyof Tasks & string>(
    name: Name,
    task: Tasks[Name][0],
    { bytes = 0, limitMs, transfer }: TaskOptions = {},
  ): Promise<Tasks[Name][1]> {
    const limit = limitMs ?? taskMaxMs + bytes / slowDiskBytesPerMs;
    if (this.#limits.length === 0) this.#silentMs = 0;
    this.#limits.push(limit);
    try {
      return await this.#thread.run(name, task, transfer);
    } finally {
      this.#limits.splice(this.#limits.indexOf(limit), 1);
      this.#silentMs = 0;
    }
  }

  /** True once the thread has counted as hung. */
  get hasHung(): boolean {
    return this.#hasHung;
  }

  /**
   * @returns whether the thread counts as hung; true once, until the thread answers something again
   */
  tick(elapsedMs: number): boolean {
    if (this.#limits.length === 0) return false;
    const limit = Math.max(...this.#limits);
    const before = this.#silentMs;
    this.#silentMs += elapsedMs;
    const hangs = before < limit && this.#silentMs >= limit;
    if (hangs) this.#hasHung = true;
    return hangs;
  }

  /** Ends the thread at once; resolves when it has exited. */
  destroy(): Promise<void> {
    return this.#thread.destroy();
  }
}
