// Restores a backup into a folder on disk that holds no store, and prints the result.
import { randomUUID } from 'node:crypto';
import { systemClock } from '../base/clock.ts';
import { defaultShardCount } from '../base/default-shard-count.ts';
import { availableMemory } from '../engine/available-memory.ts';
import type { ReadableFile } from '../storage/file-system.ts';
import { refuseUnlessEmpty } from '../storage/foreign-entries.ts';
import { isFolder, nodeFileSystem } from '../storage/node-file-system.ts';
import { meteredFile, meteredFileSystem } from '../tools/metered-file-system.ts';
import { proveBackup, restoreBackup, type Backup } from '../tools/restore.ts';
import type { OnWork } from '../tools/write-layout.ts';
import { openBackupSource } from './backup-source.ts';
import { usageError } from './command-error.ts';
import { inNewFolder } from './new-folder.ts';
import { restoredAccessText } from './restored-access-text.ts';
import { RestoredAccess, type RestoredAccessOptions } from './restored-access.ts';
import { standardErrorProgress } from './standard-error-progress.ts';
import { standardOutput } from './standard-output.ts';

export interface FolderRestore extends RestoredAccessOptions {
  /** An absolute path, or `-`. */
  readonly path: string;
  readonly dataDir: string;
  /** Undefined: one by the machine. */
  readonly shards: number | undefined;
}

export function restoreFolder(restore: FolderRestore): void {
  const { path, dataDir, shards = defaultShardCount(availableMemory()) } = restore;
  if (isFolder(dataDir) === false)
    throw usageError(`--data-dir ${dataDir} is not a folder; allowed: a new or empty one`);
  refuseUnlessEmpty(nodeFileSystem, dataDir);
  const progress = standardErrorProgress();
  const onRead = (bytes: number): void => progress.advance(bytes);
  const onWork: OnWork = (work, bytes) =>
    progress.begin(work, Number.isFinite(bytes) ? bytes : undefined);
  const { file, name, canBeReadTwice } = openBackupSource(path);
  try {
    const backup = { file: meteredFile(file, onRead), name };
    // This proves a pipe on the way. Files made from it count only once the end of the backup is
    // proved.
    if (canBeReadTwice) prove(backup, file, onWork);
    const access = new RestoredAccess(restore);
    const { entries, namespace } = inNewFolder(dataDir, () => {
      const fileSystem = meteredFileSystem(nodeFileSystem, onRead);
      // A new id: files of the one store must not be taken for those of the other.
      const store = randomUUID();
      const now = systemClock.wallMs();
      const { transform } = access;
      return restoreBackup(backup, { fileSystem, dataDir, store, shards, now, onWork, transform });
    });
    const scope = namespace === undefined ? '' : ` of the namespace ${namespace}`;
    const size = `${entries - access.added} entries, ${shards} shards`;
    standardOutput.print(`${dataDir} holds the backup${scope} now: ${size}\n`);
    standardOutput.print(restoredAccessText(dataDir, access));
  } finally {
    file.close();
  }
}

function prove(backup: Backup, file: ReadableFile, onWork: OnWork): void {
  onWork('proving the backup', file.size());
  proveBackup(backup);
}
