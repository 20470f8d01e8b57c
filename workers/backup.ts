// Thread entry point of one backup: its tasks over real files, at a low priority. The backup ends
// with its thread, and the end of the thread closes its files.
import { move, transferableSymbol, valueSymbol } from 'piscina';
import type { BackupTasks } from '../src/protocol/shard-task.ts';
import { backupTasks } from '../src/shard/tasks/backup-tasks.ts';
import { nodeFileSystem } from '../src/storage/node-file-system.ts';
import { yieldToOthers } from './yield-to-others.ts';

const tasks = backupTasks(nodeFileSystem);

export function begin(task: BackupTasks['begin'][0]): BackupTasks['begin'][1] {
  yieldToOthers();
  return tasks.begin(task);
}

/** Hands the piece over without a copy. */
export function next(): unknown {
  const answer = tasks.next(undefined);
  if (!answer.ok || answer.value === undefined) return answer;
  return move({ [transferableSymbol]: [answer.value.buffer], [valueSymbol]: answer });
}
