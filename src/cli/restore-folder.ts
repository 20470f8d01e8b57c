// Restores a backup into a real folder that holds no store, and says how it went.
import { randomUUID } from 'node:crypto';
import { systemClock } from '../base/clock.ts';
import { defaultShardCount } from '../base/default-shard-count.ts';
import { acquireFolderLock } from '../storage/folder-lock.ts';
import { nodeFileSystem } from '../storage/node-file-system.ts';
import { meteredFileSystem } from '../tools/metered-file-system.ts';
import { proveBackup, refuseUnlessEmpty, restoreBackup } from '../tools/restore.ts';
import type { OnWork } from '../tools/write-layout.ts';
import { standardErrorProgress } from './standard-error-progress.ts';
import { standardOutput } from './standard-output.ts';

export function restoreFolder(
  path: string,
  dataDir: string,
  shards: number = defaultShardCount(),
): void {
  refuseUnlessEmpty(nodeFileSystem, dataDir);
  const progress = standardErrorProgress();
  const fileSystem = meteredFileSystem(nodeFileSystem, (bytes) => progress.advance(bytes));
  const onWork: OnWork = (work, bytes) => progress.begin(work, bytes);
  const file = fileSystem.openReadOnly(path);
  try {
    const backup = { file, name: path };
    onWork('proving the backup', file.size());
    proveBackup(backup);
    nodeFileSystem.makeFolder(dataDir);
    const entries = underLock(dataDir, () => {
      // A new id: files of the one store must not be taken for those of the other.
      const store = randomUUID();
      const now = systemClock.wallMs();
      return restoreBackup(backup, { fileSystem, dataDir, store, shards, now, onWork });
    });
    standardOutput.print(`${dataDir} holds the backup now: ${entries} entries, ${shards} shards\n`);
  } finally {
    file.close();
  }
}

function underLock<T>(dataDir: string, work: () => T): T {
  const lock = acquireFolderLock(dataDir);
  try {
    return work();
  } finally {
    lock.release();
  }
}
