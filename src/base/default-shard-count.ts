// The number of shards of a new data folder if the settings leave it open.
import { availableParallelism } from 'node:os';

/** As many shards as the machine has cores, from 2 to 16. */
export function defaultShardCount(): number {
  return Math.min(Math.max(availableParallelism(), 2), 16);
}
