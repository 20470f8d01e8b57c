// How many shards a new data folder has where nobody says so.
import { availableParallelism } from 'node:os';

/** As many as the machine has cores, from 2 to 16. */
export function defaultShardCount(): number {
  return Math.min(Math.max(availableParallelism(), 2), 16);
}
