// The thread of one shard. Its batches go by a port of their own, which costs a fraction of a task of the
// pool. All other tasks are tasks of the pool. Knows no frame.
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { BatchPort } from '../../protocol/batch-port.ts';
import type { ShardTasks } from '../../protocol/shard-task.ts';
import type { TaskThread } from './task-thread.ts';
import { WorkerPool, type WorkerPoolOptions } from './worker-pool.ts';

/** Takes the thread's end of the port. Ends with the thread, and rejects if the thread dies. */
export interface PortTasks {
  attach: [MessagePort, undefined];
}

export class ShardWorker implements TaskThread<ShardTasks> {
  readonly #pool: WorkerPool<ShardTasks & PortTasks>;
  readonly #batches: BatchPort;
  #isEnding = false;

  /** @param onIdleDeath called if the thread dies while it has no batch */
  constructor(
    options: Pick<WorkerPoolOptions, 'heapMiB' | 'file'>,
    onIdleDeath: (error: Error) => void,
  ) {
    const { port1, port2 } = new MessageChannel();
    this.#batches = new BatchPort(port1);
    this.#pool = new WorkerPool({ entry: 'shard', ...options });
    // The task lasts as long as the thread, so the pool tells of every death by it.
    this.#pool.run('attach', port2, [port2]).catch((error: Error) => {
      const waited = this.#batches.end(error);
      if (waited === 0 && !this.#isEnding) onIdleDeath(error);
    });
  }

  run<Name extends keyof ShardTasks>(
    name: Name,
    task: ShardTasks[Name][0],
    transfer?: readonly ArrayBuffer[],
  ): Promise<ShardTasks[Name][1]> {
    if (name !== 'batch') return this.#pool.run(name, task, transfer);
    return this.#batches.send(task as ShardTasks['batch'][0]);
  }

  destroy(): Promise<void> {
    this.#isEnding = true;
    return this.#pool.destroy();
  }
}
