// Thread entry point of one shard: its tasks over real files, within the memory of the thread.
import { getHeapStatistics } from 'node:v8';
import { resourceLimits, type MessagePort } from 'node:worker_threads';
import { systemClock } from '../src/base/clock.ts';
import { answerBatches } from '../src/protocol/batch-port.ts';
import { memoryLimitsOf } from '../src/shard/table/memory-limits.ts';
import { shardTasks } from '../src/shard/tasks/shard-tasks.ts';
import { nodeFileSystem } from '../src/storage/node-file-system.ts';

/** Without the young generation, which V8's own figure counts, and which keeps nothing. */
function heapBytesMax(): number {
  const { maxOldGenerationSizeMb } = resourceLimits;
  if (maxOldGenerationSizeMb === undefined) return getHeapStatistics().heap_size_limit;
  return maxOldGenerationSizeMb * 2 ** 20;
}

const tasks = shardTasks({
  fileSystem: nodeFileSystem,
  clock: systemClock,
  memory: memoryLimitsOf(heapBytesMax()),
});

export const { open, outcomesOf, secure, start, sync, cut, mend, stop } = tasks;
export const { beginCompaction, installSnapshot, abortCompaction } = tasks;

/** Takes the port by which the batches come. Ends with the thread. */
export function attach(port: MessagePort): Promise<void> {
  return answerBatches(port, tasks.batch);
}
