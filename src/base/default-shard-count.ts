// The number of shards of a new data folder if the settings leave it open.
import { availableParallelism } from 'node:os';

/** With less memory a shard, the heap of its thread would be too small for the largest value. */
const bytesOfShard = 512 * 2 ** 20;

/**
 * As many shards as the machine has cores, from 2 to 16, and no more than have memory.
 *
 * @param memoryBytes that the process may use
 */
export function defaultShardCount(memoryBytes: number): number {
  const most = Math.min(16, Math.floor(memoryBytes / bytesOfShard));
  return Math.max(2, Math.min(availableParallelism(), most));
}
