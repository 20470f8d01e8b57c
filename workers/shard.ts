// Thread entry point of one shard. Holds the shard; everything it does is in src/shard.
import { getHeapStatistics } from 'node:v8';
import { move } from 'piscina';
import { assert } from '../src/base/assert.ts';
import { systemClock } from '../src/base/clock.ts';
import { decodeBatch } from '../src/protocol/batch-frame.ts';
import { encodeReply } from '../src/protocol/reply-frame.ts';
import { answerTask, answerTaskSoon, type ShardTasks } from '../src/protocol/shard-task.ts';
import { Shard } from '../src/shard/shard.ts';
import type { SnapshotReference } from '../src/storage/current.ts';
import { nodeFileSystem } from '../src/storage/node-file-system.ts';

type Handlers = {
  [Name in keyof ShardTasks]: (
    task: ShardTasks[Name][0],
  ) => ShardTasks[Name][1] | Promise<ShardTasks[Name][1]>;
};

/** Of the thread's heap; the rest is for batches and for what a collection has not found yet. */
const entriesHeapShare = 0.75;

let opened: Shard | undefined;

/** A thread that died is replaced by one that has recovered nothing: it must not answer. */
function theShard(): Shard {
  assert(opened !== undefined, 'a shard is opened before it is used');
  return opened;
}

const handlers: Handlers = {
  open: (task) =>
    answerTask(() => {
      const heapBytesMax = getHeapStatistics().heap_size_limit * entriesHeapShare;
      const around = { fileSystem: nodeFileSystem, clock: systemClock, heapBytesMax };
      opened = new Shard({ ...task, ...around });
      return opened.opened;
    }),
  start: (stamp) => answerTask(() => theShard().start(stamp)),
  batch: (frame) => {
    const reply = encodeReply(theShard().apply(decodeBatch(frame)));
    // `move` hands the buffer over without a copy; what arrives is the buffer itself.
    return move(reply) as unknown as Uint8Array<ArrayBuffer>;
  },
  sync: () => answerTaskSoon(() => theShard().syncSoon()),
  beginCompaction: (stamp) =>
    answerTask(() => {
      const content = theShard().beginCompaction(stamp);
      return content === undefined ? undefined : { content };
    }),
  takeSnapshot: ({ content }) =>
    answerTask(() => theShard().takeSnapshot(content as SnapshotReference)),
  stop: (stamp) => answerTask(() => theShard().stop(stamp)) as ShardTasks['stop'][1],
};

export const { open, start, batch, sync, beginCompaction, takeSnapshot, stop } = handlers;
