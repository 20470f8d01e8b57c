// The tasks of a shard's thread, the same in a real thread and in a simulated one. Owns the shard.
// Knows no thread.
import { assert } from '../../base/assert.ts';
import { decodeBatch } from '../../protocol/batch-frame.ts';
import { encodeReply } from '../../protocol/reply-frame.ts';
import { answerTask, answerTaskSoon, type ShardTasks } from '../../protocol/shard-task.ts';
import type { SnapshotReference } from '../../storage/current.ts';
import { Shard, type ShardOptions } from '../shard.ts';

export type ShardTaskHandlers = {
  [Name in keyof ShardTasks]: (
    task: ShardTasks[Name][0],
  ) => ShardTasks[Name][1] | Promise<ShardTasks[Name][1]>;
};

/** @param options the shard's options that no task carries */
export function shardTasks(
  options: Pick<ShardOptions, 'fileSystem' | 'clock' | 'memory' | 'reserveBytesMin'>,
) {
  let opened: Shard | undefined;
  // The thread that replaces a dead one has recovered nothing: it must not answer.
  const shard = (): Shard => {
    assert(opened !== undefined, 'a shard is opened before it is used');
    return opened;
  };
  return {
    open: (task) =>
      answerTask(() => {
        opened = new Shard({ ...task, ...options });
        return opened.opened;
      }),
    outcomesOf: (transactions) => answerTask(() => shard().outcomesOf(transactions)),
    secure: () =>
      answerTask(() => {
        shard().secure();
        return undefined;
      }),
    start: (task) => answerTask(() => shard().start(task)),
    batch: (frame) => encodeReply(shard().apply(decodeBatch(frame))),
    sync: () => answerTaskSoon(() => shard().syncSoon()),
    beginCompaction: (timestamp) =>
      answerTask(() => {
        const content = shard().beginCompaction(timestamp);
        return content === undefined ? undefined : { content };
      }),
    installSnapshot: ({ content }) =>
      answerTask(() => shard().installSnapshot(content as SnapshotReference)),
    abortCompaction: () => answerTask(() => shard().abortCompaction()),
    cut: (timestamp) => answerTask(() => ({ content: shard().cut(timestamp) })),
    mend: (timestamp) => answerTask(() => shard().mend(timestamp)),
    stop: (timestamp) =>
      answerTask(() => {
        shard().stop(timestamp);
        return undefined;
      }),
  } satisfies ShardTaskHandlers;
}
