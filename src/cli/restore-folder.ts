// Restores a backup into a folder on disk that holds no store, and prints the result.
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { defaultShardCount } from '../base/default-shard-count.ts';
import { availableMemory } from '../engine/available-memory.ts';
import { lockName } from '../storage/file-names.ts';
import type { ReadableFile } from '../storage/file-system.ts';
import { acquireFolderLock } from '../storage/folder-lock.ts';
import { isFolder, nodeFileSystem } from '../storage/node-file-system.ts';
import { cleanUp } from '../tools/clean-up.ts';
import { meteredFile, meteredFileSystem } from '../tools/metered-file-system.ts';
import { proveBackup, refuseUnlessEmpty, restoreBackup, type Backup } from '../tools/restore.ts';
import type { OnWork } from '../tools/write-layout.ts';
import { openBackupSource } from './backup-source.ts';
import { usageError } from './command-error.ts';
import { standardErrorProgress } from './standard-error-progress.ts';
import { standardOutput } from './standard-output.ts';

/** @param path of the backup; `-`: standard input */
export function restoreFolder(
  path: string,
  dataDir: string,
  shards: number = defaultShardCount(availableMemory()),
): void {
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
    const { entries, namespace } = inFolder(dataDir, () => {
      const fileSystem = meteredFileSystem(nodeFileSystem, onRead);
      // A new id: files of the one store must not be taken for those of the other.
      const store = randomUUID();
      const now = systemClock.wallMs();
      return restoreBackup(backup, { fileSystem, dataDir, store, shards, now, onWork });
    });
    const scope = namespace === undefined ? '' : ` of the namespace ${namespace}`;
    const size = `${entries} entries, ${shards} shards`;
    standardOutput.print(`${dataDir} holds the backup${scope} now: ${size}\n`);
  } finally {
    file.close();
  }
}

function prove(backup: Backup, file: ReadableFile, onWork: OnWork): void {
  onWork('proving the backup', file.size());
  proveBackup(backup);
}

/** Does the work in the folder, locked. Folders that are made for it go again if it fails. */
function inFolder<T>(dataDir: string, work: () => T): T {
  const missing = missingFolders(dataDir);
  nodeFileSystem.makeFolder(dataDir);
  const lock = acquireFolderLock(dataDir);
  try {
    return work();
  } catch (error) {
    cleanUp(() => removeIfEmpty(missing));
    throw error;
  } finally {
    lock.release();
  }
}

/** The folder itself and those above it that are not there, the innermost first. */
function missingFolders(folder: string): string[] {
  return existsSync(folder) ? [] : [folder, ...missingFolders(dirname(folder))];
}

/**
 * Removes folders that we made, with our lock file. Another process that has opened the lock file
 * meanwhile finds no folder either.
 */
function removeIfEmpty(folders: readonly string[]): void {
  for (const folder of folders) {
    const names = readdirSync(folder);
    if (names.length === 1 && names[0] === lockName) unlinkSync(join(folder, lockName));
    rmdirSync(folder);
  }
}
