// Thread entry point of one shard: its tasks over real files, within the memory of the thread.
import { getHeapStatistics } from 'node:v8';
import { move } from 'piscina';
import { systemClock } from '../src/base/clock.ts';
import { shardTasks } from '../src/shard/shard-tasks.ts';
import { nodeFileSystem } from '../src/storage/node-file-system.ts';

/** Of the thread's heap; the rest is for batches and for what a collection has not found yet. */
const entriesHeapShare = 0.75;

const tasks = shardTasks({
  fileSystem: nodeFileSystem,
  clock: systemClock,
  heapBytesMax: getHeapStatistics().heap_size_limit * entriesHeapShare,
});

export const { open, outcomesOf, secure, start, sync, cut, mend, stop } = tasks;
export const { beginCompaction, installSnapshot, abortCompaction } = tasks;

/** Hands the reply over without a copy. */
export function batch(frame: Uint8Array<ArrayBuffer>): unknown {
  return move(tasks.batch(frame));
}
