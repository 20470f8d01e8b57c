// Thread entry point for compactions of all shards, one after another, at a low priority.
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { basename } from 'node:path';
import { answerTask, type CompactorTasks } from '../src/protocol/shard-task.ts';
import { compact as compactShard } from '../src/shard/compaction.ts';
import type { CompactionInput } from '../src/shard/shard-files.ts';
import { nodeFileSystem } from '../src/storage/node-file-system.ts';

const niceness = 10;

/** On Linux a thread has a priority of its own; elsewhere compaction runs at the common one. */
function yieldToOthers(): void {
  try {
    setPriority(Number(basename(readlinkSync('/proc/thread-self'))), niceness);
  } catch {
    // Slower requests while it runs are all that is lost.
  }
}

export function compact(task: CompactorTasks['compact'][0]): CompactorTasks['compact'][1] {
  yieldToOthers();
  const place = { ...task, fileSystem: nodeFileSystem };
  return answerTask(() => ({
    content: compactShard(place, task.input.content as CompactionInput),
  }));
}
