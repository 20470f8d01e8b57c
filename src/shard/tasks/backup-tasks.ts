// The tasks of a backup's thread, the same in a real thread and in a test. Owns the backup that is
// in progress. Knows no thread.
import { assert } from '../../base/assert.ts';
import { answerTask, type BackupTasks } from '../../protocol/shard-task.ts';
import type { FileSystem } from '../../storage/file-system.ts';
import { BackupStream, type BackupSource } from '../streams/backup-stream.ts';

export type BackupTaskHandlers = {
  [Name in keyof BackupTasks]: (task: BackupTasks[Name][0]) => BackupTasks[Name][1];
};

export function backupTasks(fileSystem: FileSystem): BackupTaskHandlers {
  let begun: BackupStream | undefined;
  return {
    begin: ({ parts, ...moment }) =>
      answerTask(() => {
        const sources = parts.map(({ input, ...location }) => ({
          ...location,
          source: input.content as BackupSource,
        }));
        begun?.close();
        begun = new BackupStream(fileSystem, { parts: sources, ...moment });
        return undefined;
      }),
    next: () =>
      answerTask(() => {
        assert(begun !== undefined, 'a backup is begun before it is read');
        return begun.next();
      }),
  };
}
