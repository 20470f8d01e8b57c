// How many shards a new data folder has if the settings leave the number open.
import { availableParallelism } from 'node:os';

/** As many shards as the machine has cores, from 2 to 16. */
export function defaultShardCount(): number {
  return Math.min(Math.max(availableParallelism(), 2), 16);
}
