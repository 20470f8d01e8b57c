// One life of a thread, watched: tells one that hangs from one that is busy. Tasks are under way and
// none has been answered for too long. Counted in ticks and not by the clock, so that a process that
// was itself stopped does not take its threads for dead.
import { slowDiskBytesPerMs, taskMaxMs } from '../../base/limits.ts';
import type { TaskTable, TaskThread } from './task-thread.ts';

export interface TaskSize {
  /** What the task may have to read or write; Infinity where it may take as long as it likes. */
  readonly bytes?: number;
  /** Buffers of the task that are handed over instead of copied. */
  readonly transfer?: readonly ArrayBuffer[];
}

export class WatchedThread<Tasks extends TaskTable<Tasks>> {
  readonly #thread: TaskThread<Tasks>;
  /** How long each task under way may take, in milliseconds. */
  readonly #limits: number[] = [];
  #silentMs = 0;
  #hasHung = false;

  constructor(thread: TaskThread<Tasks>) {
    this.#thread = thread;
  }

  /** As `TaskThread.run`. */
  async run<Name extends keyof Tasks & string>(
    name: Name,
    task: Tasks[Name][0],
    { bytes = 0, transfer }: TaskSize = {},
  ): Promise<Tasks[Name][1]> {
    const limit = taskMaxMs + bytes / slowDiskBytesPerMs;
    if (this.#limits.length === 0) this.#silentMs = 0;
    this.#limits.push(limit);
    try {
      return await this.#thread.run(name, task, transfer);
    } finally {
      this.#limits.splice(this.#limits.indexOf(limit), 1);
      this.#silentMs = 0;
    }
  }

  /** It has counted as hung. */
  get hasHung(): boolean {
    return this.#hasHung;
  }

  /** @returns whether it counts as hung; once, until it answers something again */
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
