// Real threads for shards that misbehave on certain keys: misbehaving-shard.mjs.
import { join } from 'node:path';
import type { AssemblyOptions } from '../../../src/engine/assemble-store.ts';
import { ShardWorker } from '../../../src/router/threads/shard-worker.ts';
import { shardOfKey } from '../../../src/store/slot.ts';

const heapMiB = 64;

export type Misdeed = 'throw' | 'exit' | 'run out of memory' | 'hang' | 'spin' | 'throw later';

/** A key of the shard on which its thread misbehaves, before or after it writes the batch. */
export function misdeedKey(
  misdeed: Misdeed,
  when: 'before' | 'after',
  { shard, shards }: { readonly shard: number; readonly shards: number },
): string {
  for (let number = 0; ; number++) {
    const key = `misdeed: ${misdeed}${when === 'after' ? ', written' : ''} ${number}`;
    if (shardOfKey(key, shards) === shard) return key;
  }
}

/** Like `newShardThread` of the engine, with another entry point. */
export const newMisbehavingThread: AssemblyOptions['newShardThread'] = (_, onIdleDeath) => {
  const file = join(import.meta.dirname, 'misbehaving-shard.mjs');
  return new ShardWorker({ file, heapMiB }, onIdleDeath);
};
