// The tasks of a shard's thread, the same in a real thread and in a simulated one. Owns the shard.
// Knows no thread.
import { assert } from '../../base/assert.ts';
import { decodeBatch } from '../../protocol/batch-frame.ts';
import { encodeReply } from '../../protocol/reply-frame.ts';
import { answerTask, answerTaskSoon, type ShardTasks } from '../../protocol/shard-task.ts';
import type { SnapshotReference } from '../../storage/current.ts';
import { OpenedShard } from '../opened-shard.ts';
import { Shard, type ShardOptions } from '../shard.ts';

export type ShardTaskHandlers = {
  [Name in keyof ShardTasks]: (
    task: ShardTasks[Name][0],
  ) => ShardTasks[Name][1] | Promise<ShardTasks[Name][1]>;
};

/** @param options the shard's options that no task carries */
export function shardTasks(
  options: Pick<ShardOptions, 'fileSystem' | 'clock' | 'memory' | 'hashKey' | 'reserveBytesMin'>,
) {
  // Undefined in a thread that replaces a dead one: it has recovered nothing, so it must not answer.
  let state: OpenedShard | Shard | undefined;
  const opened = (): OpenedShard => {
    assert(state instanceof OpenedShard, 'a shard is opened once, and asked before it is started');
    return state;
  };
  const serving = (): Shard => {
    assert(state instanceof Shard, 'a shard is started before it serves');
    return state;
  };
  return {
    open: (task) =>
      answerTask(() => {
        state = new OpenedShard({ ...task, ...options });
        return state.found;
      }),
    outcomesOf: (transactions) => answerTask(() => opened().outcomesOf(transactions)),
    secure: () =>
      answerTask(() => {
        opened().secure();
        return undefined;
      }),
    start: (task) =>
      answerTask(() => {
        state = opened().start(task);
        return state.report();
      }),
    batch: (frame) => {
      const shard = serving();
      return { frame: encodeReply(shard.apply(decodeBatch(frame))), news: shard.takeNews() };
    },
    sync: () => answerTaskSoon(() => serving().syncSoon()),
    beginCompaction: (timestamp) =>
      answerTask(() => {
        const content = serving().beginCompaction(timestamp);
        return content === undefined ? undefined : { content };
      }),
    installSnapshot: ({ content }) =>
      answerTask(() => serving().installSnapshot(content as SnapshotReference)),
    abortCompaction: () => answerTask(() => serving().abortCompaction()),
    cut: (timestamp) => answerTask(() => ({ content: serving().cut(timestamp) })),
    mend: (timestamp) => answerTask(() => serving().mend(timestamp)),
    stop: (timestamp) =>
      answerTask(() => {
        serving().stop(timestamp);
        return undefined;
      }),
  } satisfies ShardTaskHandlers;
}
