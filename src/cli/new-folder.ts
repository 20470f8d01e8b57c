// Makes the folder for a new data folder, and holds its lock during the work that fills it. Knows no
// such work.
import { existsSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isDiskFull, StoreError } from '../base/errors.ts';
import { lockName } from '../storage/file-names.ts';
import { acquireFolderLock } from '../storage/folder-lock.ts';
import { nodeFileSystem } from '../storage/node-file-system.ts';
import { cleanUp } from '../tools/clean-up.ts';

/**
 * Does the work in the folder, locked. Folders that are made for it go again if it fails, with their
 * lock file. The lock file stays in a folder that was there before.
 *
 * @throws StoreError as `acquireFolderLock` does, DISK_FULL if the folder cannot be made for lack of
 *   room; system errors; the errors of the work
 */
export function inNewFolder<T>(dataDir: string, work: () => T): T {
  const missing = missingFolders(dataDir);
  makeFolder(dataDir, missing);
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

function makeFolder(dataDir: string, missing: readonly string[]): void {
  try {
    nodeFileSystem.makeFolder(dataDir);
  } catch (error) {
    cleanUp(() => removeIfEmpty(missing.filter((folder) => existsSync(folder))));
    if (!isDiskFull(error)) throw error;
    const detail = `no room on disk for the folder ${dataDir}. Nothing has been changed.`;
    throw new StoreError('DISK_FULL', detail, {}, error);
  }
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
