// Thread entry point for compactions of all shards, one after another, at a low priority.
import { answerTask, type CompactorTasks } from '../src/protocol/shard-task.ts';
import { compact as compactShard } from '../src/shard/streams/compaction.ts';
import type { SealedFiles } from '../src/shard/files/shard-files.ts';
import { nodeFileSystem } from '../src/storage/node-file-system.ts';
import { yieldToOthers } from './yield-to-others.ts';

export function compact(task: CompactorTasks['compact'][0]): CompactorTasks['compact'][1] {
  yieldToOthers();
  const place = { ...task, fileSystem: nodeFileSystem };
  return answerTask(() => ({
    content: compactShard(place, task.input.content as SealedFiles),
  }));
}
