// The one file of the main thread that knows piscina. Makes pools of one thread from the compiled
// entry points. A pool begins its tasks in the order in which they were sent. Knows no task.
import { join } from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { programFolder } from '../../base/program-folder.ts';
import type { TaskTable, TaskThread } from './task-thread.ts';

/** Threads run the bundled code only, even if the main thread runs from source. */
function entryPoint(name: 'shard' | 'compactor' | 'backup'): string {
  return join(programFolder, 'dist', 'program', 'workers', `${name}.js`);
}

export interface WorkerPoolOptions {
  readonly entry: 'shard' | 'compactor' | 'backup';
  /** Path of another entry point than the program's own, for tests that stage faults. */
  readonly file?: string | undefined;
  /** V8's limit for old objects of the thread, in MiB; buffers are not counted. */
  readonly heapMiB?: number | undefined;
}

/**
 * The young generation of a shard should hold the objects of one reply: V8 copies objects that grow
 * old. A stream of entries keeps little, and its heap is much larger than it will be in use.
 */
const youngShares = { shard: 1 / 4, compactor: 1 / 16, backup: 1 / 16 } as const;

function youngGenerationMiB(entry: WorkerPoolOptions['entry'], heapMiB: number): number {
  return Math.min(Math.max(16, Math.floor(heapMiB * youngShares[entry])), 64);
}

const tasksInThreadMax = 8;
/**
 * Makes piscina load the entry point by import(). Without this flag, piscina tries require() first.
 * Node aborts the whole process if a thread ends while it instantiates a module for require().
 */
const importOnly = '--no-experimental-require-module';

export class WorkerPool<Tasks extends TaskTable<Tasks>> implements TaskThread<Tasks> {
  readonly #pool: Piscina;

  constructor(options: WorkerPoolOptions) {
    this.#pool = new Piscina({
      filename: options.file ?? entryPoint(options.entry),
      minThreads: 1,
      maxThreads: 1,
      // A sync may run in parallel to batches; tasks still begin in the order they were sent.
      concurrentTasksPerWorker: tasksInThreadMax,
      // The default blocks the thread's event loop between tasks, and with it such a sync.
      atomics: 'disabled',
      execArgv: [importOnly],
      ...(options.heapMiB === undefined
        ? {}
        : {
            resourceLimits: {
              maxOldGenerationSizeMb: options.heapMiB,
              maxYoungGenerationSizeMb: youngGenerationMiB(options.entry, options.heapMiB),
            },
          }),
    });
    // A thread that dies while it has no task is replaced, and no caller has to know.
    this.#pool.on('error', () => undefined);
  }

  run<Name extends keyof Tasks & string>(
    name: Name,
    task: Tasks[Name][0],
    transfer: readonly (ArrayBuffer | MessagePort)[] = [],
  ): Promise<Tasks[Name][1]> {
    return this.#pool.run(task, { name, transferList: [...transfer] }) as Promise<Tasks[Name][1]>;
  }

  destroy(): Promise<void> {
    return this.#pool.destroy();
  }
}
